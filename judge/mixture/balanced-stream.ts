/** Draws from a pool by class: the classes take turns, so their numbers of draws never differ by more than one. */
import { assert, required } from '../../core/assert.ts';
import { EpochStream, type EpochPlace, type EpochStreamOptions, type StreamPlaces } from './epoch-stream.ts';

export interface BalancedStreamOptions extends Omit<EpochStreamOptions, 'place'> {
  readonly classOf: (exampleIndex: number) => string;
  /** Number of draws before this segment. */
  readonly drawCountBefore: number;
  /** Position from which a part continues; its beginning if undefined. */
  readonly placeOf: (part: string) => EpochPlace | undefined;
}

export class BalancedStream {
  /** One stream per class, in the order of their turns. A class with few rows goes through its epochs faster. */
  readonly #streams: readonly (readonly [string, EpochStream])[];
  #drawCount: number;

  constructor({ pool, path, classOf, drawCountBefore, placeOf, ...rest }: BalancedStreamOptions) {
    this.#streams = [...partsOf(pool, classOf)].map(([itsClass, part]) => {
      const place = placeOf(partOf(itsClass));
      const options = { ...rest, pool: part, path: [...path, itsClass], ...(place && { place }) };
      return [itsClass, new EpochStream(options)] as const;
    });
    assert(this.#streams.length > 0, 'classes of nothing');
    this.#drawCount = drawCountBefore;
  }

  next(): number {
    const [, stream] = required(this.#streams[this.#drawCount++ % this.#streams.length], 'a class');
    return stream.next();
  }

  get places(): StreamPlaces {
    return this.#streams.flatMap(([itsClass, { places }]) =>
      places.map(([, place]) => [partOf(itsClass), place] as const),
    );
  }
}

const partOf = (itsClass: string): string => `/${itsClass}`;

/** The pool's rows of each class, ascending; classes by name. */
function partsOf(pool: Uint32Array, classOf: (exampleIndex: number) => string): Map<string, Uint32Array> {
  const counts = new Map<string, number>();
  for (const row of pool) counts.set(classOf(row), (counts.get(classOf(row)) ?? 0) + 1);
  const names = [...counts.keys()].sort();
  const parts = new Map(names.map((name) => [name, new Uint32Array(counts.get(name) ?? 0)]));
  const filled = new Map<string, number>();
  for (const row of pool) {
    const itsClass = classOf(row);
    const at = filled.get(itsClass) ?? 0;
    required(parts.get(itsClass), itsClass)[at] = row;
    filled.set(itsClass, at + 1);
  }
  return parts;
}
