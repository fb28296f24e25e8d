/** Which picture of a pair comes first, by a coin: a label set whose first picture is right nine times in ten teaches to count. */
import { Rng } from '../../../core/rng.ts';

export interface OrderedPair {
  /** Two of them; anything that names an image. */
  readonly images: readonly string[];
  readonly label: string;
}

/** The pair as it is, or with images and label exchanged: a function of the seed and the example's id alone. */
export function inRandomOrder<P extends OrderedPair>(
  id: string,
  pair: P,
  [first, second]: readonly [string, string, ...string[]],
  seed: number,
): P {
  if (!new Rng('pair-order', seed, id).chance(0.5)) return pair;
  return { ...pair, images: [...pair.images].reverse(), label: pair.label === first ? second : first };
}
