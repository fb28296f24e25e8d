/**
 * Inputs chosen by coverage: one that reaches code that no earlier one reached joins a corpus, and most later inputs
 * are near one of the corpus. Which input a seed gives depends on the seeds before it, and on nothing else.
 */
import { Rng } from '../../core/rng.ts';
import type { BlockCoverage } from './block-coverage.ts';
import type { FuzzTarget, Outcome, Tried } from './fuzz-target.ts';

/** Bounds of memory: an input takes the place of another when the corpus is full, and a long one does not join. */
const corpusCountMax = 500;
const inputLengthMax = 1 << 20;
/** The other inputs are as without a corpus, so that it does not narrow what is tried. */
const nearShare = 0.75;

export class GuidedInputs {
  readonly #target: FuzzTarget;
  readonly #coverage: BlockCoverage;
  readonly #corpus: Tried[] = [];

  constructor(target: FuzzTarget, coverage: BlockCoverage) {
    this.#target = target;
    this.#coverage = coverage;
  }

  async run(seed: number): Promise<Outcome> {
    const draw = new Rng('fuzz', seed);
    const isNear = this.#corpus.length > 0 && draw.chance(nearShare);
    const tried = await this.#target.run(seed, isNear ? this.#chosen(draw) : undefined);
    if (this.#coverage.look() && tried.outcome.kind !== 'crash' && lengthOf(tried.input) <= inputLengthMax)
      this.#corpus[this.#corpus.length < corpusCountMax ? this.#corpus.length : draw.integer(0, corpusCountMax)] =
        tried;
    return tried.outcome;
  }

  /** The later it joined, the likelier: it is where the newest code is. */
  #chosen(draw: Rng): Tried | undefined {
    return this.#corpus[Math.floor(Math.sqrt(draw.uniform()) * this.#corpus.length)];
  }
}

/** About that of its bytes. */
function lengthOf(input: unknown): number {
  return Buffer.isBuffer(input) ? input.byteLength : ((JSON.stringify(input) as string | undefined)?.length ?? 0);
}
