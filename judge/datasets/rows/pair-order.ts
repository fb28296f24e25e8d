/** Randomizes the order of a pair by seed: if the first image is right in most rows, a model learns the position. */
import { Rng } from '../../../core/rng.ts';

export interface OrderedPair {
  /** Two images, by digest, name or anything else that identifies them. */
  readonly images: readonly string[];
  readonly label: string;
}

/**
 * Returns the pair unchanged, or with images and label exchanged: a function of the seed and the example's id alone.
 */
export function inRandomOrder<P extends OrderedPair>(
  id: string,
  pair: P,
  [first, second]: readonly [string, string, ...string[]],
  seed: number,
): P {
  if (!new Rng('pair-order', seed, id).chance(0.5)) return pair;
  return { ...pair, images: [...pair.images].reverse(), label: pair.label === first ? second : first };
}
