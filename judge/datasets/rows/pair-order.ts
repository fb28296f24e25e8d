/** Randomizes the order of candidates by seed: if the first is right in most rows, a model learns the position. */
import { Rng } from '../../../core/rng.ts';
import type { Example } from '../../example.ts';
import type { Labels, Order } from '../../kinds/kind.ts';
import { candidatesOf } from '../../tasks/candidates.ts';
import { inOrder } from '../../tasks/reorder.ts';

/**
 * Returns the candidates in an order that is a function of the seed and the example's id alone, with the label on the same
 * one.
 */
export function inRandomOrder<P extends Pick<Example, 'images' | 'candidates' | 'label'>>(
  id: string,
  compared: P,
  labels: Labels,
  seed: number,
): P {
  const rng = new Rng('pair-order', seed, id);
  const { length } = candidatesOf(compared);
  // Two are exchanged or not, by one draw, as ever.
  const order: Order =
    length === 2 ? (rng.chance(0.5) ? [1, 0] : [0, 1]) : rng.shuffle(Array.from({ length }, (_, i) => i));
  return { ...compared, ...inOrder(compared, labels, order) };
}
