/** Samples from a pool without replacement, reshuffled each epoch; can stop and resume at any point. */
import { assert, required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';

/** JSON. */
export interface EpochPlace {
  readonly epoch: number;
  /** Examples of the epoch that have had their turn. */
  readonly position: number;
}

export interface EpochStreamOptions {
  /** Rows of the dataset's examples. */
  readonly pool: Uint32Array;
  /** Names the stream's random numbers. */
  readonly path: readonly (string | number)[];
  /** The beginning when left out. */
  readonly place?: EpochPlace;
  /** Chance in (0, 1] that an example is taken when its turn comes; 1 when left out. */
  readonly chanceOf?: (exampleIndex: number) => number;
}

export class EpochStream {
  readonly #options: EpochStreamOptions;
  #epoch: number;
  #position: number;
  /** Of the epoch; made when it is drawn from. */
  #order: Uint32Array | undefined;

  constructor(options: EpochStreamOptions) {
    assert(options.pool.length > 0, 'an epoch of nothing');
    this.#options = options;
    this.#epoch = options.place?.epoch ?? 0;
    this.#position = options.place?.position ?? 0;
  }

  get place(): EpochPlace {
    return { epoch: this.#epoch, position: this.#position };
  }

  /** Ends for every chance above 0. */
  next(): number {
    for (;;) {
      if (this.#position === this.#options.pool.length) {
        this.#epoch++;
        this.#position = 0;
        this.#order = undefined;
      }
      this.#order ??= this.#shuffled();
      const index = required(this.#order[this.#position++], 'an example of the epoch');
      if (this.#isTaken(index)) return index;
    }
  }

  #isTaken(index: number): boolean {
    const chance = this.#options.chanceOf?.(index) ?? 1;
    assert(chance > 0, `example ${index} has chance ${chance}`);
    return chance >= 1 || new Rng(...this.#options.path, 'taken', this.#epoch, index).chance(chance);
  }

  #shuffled(): Uint32Array {
    return new Rng(...this.#options.path, this.#epoch).shuffle(this.#options.pool.slice());
  }
}
