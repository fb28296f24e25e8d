/** Samples from a pool without replacement, reshuffled each epoch; can stop and resume at any point. */
import { assert, required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';

/** Position of a stream. JSON. */
export interface EpochPlace {
  readonly epoch: number;
  /** Number of examples of the epoch that have had their turn. */
  readonly position: number;
}

/** Positions of a stream by part; the name of a stream's only part is empty. */
export type StreamPlaces = readonly (readonly [part: string, place: EpochPlace])[];

export interface EpochStreamOptions {
  /** Row numbers of examples in the dataset. */
  readonly pool: Uint32Array;
  /** Key of the stream's random numbers. */
  readonly path: readonly (string | number)[];
  /** Position to continue from; the beginning if omitted. */
  readonly place?: EpochPlace;
  /** Probability in (0, 1] that an example is taken on its turn; 1 if omitted. */
  readonly chanceOf?: (exampleIndex: number) => number;
}

export class EpochStream {
  readonly #options: EpochStreamOptions;
  #epoch: number;
  #position: number;
  /** Shuffled rows of the current epoch; created on first use. */
  #order: Uint32Array | undefined;

  constructor(options: EpochStreamOptions) {
    assert(options.pool.length > 0, 'an epoch of nothing');
    this.#options = options;
    this.#epoch = options.place?.epoch ?? 0;
    this.#position = options.place?.position ?? 0;
  }

  /** The position, in the form of a stream with several parts. */
  get places(): StreamPlaces {
    return [['', { epoch: this.#epoch, position: this.#position }]];
  }

  /** The next example. Terminates for every chance above 0. */
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
