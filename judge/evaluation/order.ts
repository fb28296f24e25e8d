/** Position bias of a judge that compares, measured on its verdicts for all orders of each example. */
import { assert } from '../../core/assert.ts';
import type { Labels, Order } from '../kinds/kind.ts';
import { placesNamed } from '../kinds/ranking-label.ts';
import { verdictInRow } from '../tasks/reorder.ts';
import { candidatesOf } from '../tasks/candidates.ts';
import type { JudgedExample, Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

/** One order of an example: label and verdict are as shown, whole. */
export interface OrderOutcome extends Outcome {
  readonly order: Order;
}

/** Rates in [0, 1]. */
export interface OrderScores {
  /** Share of examples whose verdicts are all parsable and choose the same candidate; a tie agrees with a tie. */
  readonly consistencyRate: number;
  /** Share of parsable verdicts other than ties that choose the first place. Absent if there is none. */
  readonly firstPositionRate?: number;
  /**
   * The same for each place, where an example has more than two: an unbiased judge chooses each place of N in 1 / N of the
   * answers. Only of examples with as many candidates as the most have.
   */
  readonly positionRates?: readonly number[];
  /** Share of examples judged correctly in all orders. */
  readonly consistentAccuracy: number;
}

export const allOrders: Metric<OrderScores> = ({ judged, labels }) =>
  orderScores([...ordersByExample(judged).values()], labels);

/** The orders of each example that was judged in several, the stored one first, by the id of the stored one. */
export function ordersByExample(judged: readonly JudgedExample[]): ReadonlyMap<string, readonly OrderOutcome[]> {
  const found = new Map<string, OrderOutcome[]>();
  for (const { example, judgment, reordered } of judged) {
    const outcome = { label: example.label, predicted: judgment.ok ? judgment.verdict : undefined };
    if (reordered === undefined) {
      const own = candidatesOf(example).map((_, place) => place);
      found.set(example.id, [{ ...outcome, order: own }]);
      continue;
    }
    const orders = found.get(reordered.of);
    assert(orders, `${example.id} is another order of ${reordered.of}, which was not judged before it`);
    orders.push({ ...outcome, order: reordered.order });
  }
  return new Map([...found].filter(([, { length }]) => length > 1));
}

function isRight({ label, predicted }: Outcome): boolean {
  return label === predicted;
}

/** Scores of the examples, each in all of its orders; the i-th label is that of the i-th place. Undefined for none. */
export function orderScores(examples: readonly (readonly OrderOutcome[])[], labels: Labels): OrderScores | undefined {
  if (examples.length === 0) return undefined;
  const share = (holds: (orders: readonly OrderOutcome[]) => boolean): number =>
    examples.filter(holds).length / examples.length;
  const outcomes = examples.flat();
  const placeCount = outcomes.reduce((most, { order }) => Math.max(most, order.length), 0);
  const rates = positionRates(outcomes, labels, placeCount);
  return {
    consistencyRate: share((orders) => {
      const verdicts = orders.map(({ predicted, order }) =>
        predicted === undefined ? undefined : verdictInRow(predicted, labels, order),
      );
      return verdicts[0] !== undefined && verdicts.every((verdict) => verdict === verdicts[0]);
    }),
    ...(rates?.[0] !== undefined && { firstPositionRate: rates[0] }),
    ...(rates !== undefined && placeCount > 2 && { positionRates: rates }),
    consistentAccuracy: share((orders) => orders.every(isRight)),
  };
}

/** Of the answers to examples with this many candidates that name a place, the share of each place. */
function positionRates(
  outcomes: readonly OrderOutcome[],
  labels: Labels,
  placeCount: number,
): readonly number[] | undefined {
  const places = labels.slice(0, placeCount);
  const chosen = outcomes
    .filter(({ order }) => order.length === placeCount)
    .flatMap(({ predicted }) => (predicted === undefined ? [] : placesNamed(predicted, labels).slice(0, 1)))
    .filter((place) => places.includes(place));
  if (chosen.length === 0) return undefined;
  return places.map((place) => chosen.filter((each) => each === place).length / chosen.length);
}
