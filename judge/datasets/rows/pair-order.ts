/** Randomizes the order of candidates by seed: if the first is right in most rows, a model learns the position. */
import { Rng } from '../../../core/rng.ts';
import type { Example, VoteCount } from '../../example.ts';
import type { Labels, Order } from '../../kinds/kind.ts';
import { candidatesOf } from '../../tasks/candidates.ts';
import { inOrder, labelInOrder } from '../../tasks/reorder.ts';

/**
 * Returns the candidates in an order that is a function of the seed and the example's id alone, with label and votes on the
 * same ones.
 */
export function inRandomOrder<P extends Pick<Example, 'images' | 'candidates' | 'label' | 'votes'>>(
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
  const inTurn = ([vote, count]: VoteCount): VoteCount => [vote && labelInOrder(vote, labels, order), count];
  const { votes } = compared;
  return { ...compared, ...inOrder(compared, labels, order), ...(votes && { votes: votes.map(inTurn) }) };
}
