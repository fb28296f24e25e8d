/** Position bias of a pairwise judge, measured on its verdicts for both orders of each pair. */
import { assert } from '../../core/assert.ts';
import type { JudgedExample, Metric } from './metric.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** One pair, judged as stored and with its images swapped; the swapped outcome has the exchanged label. */
export interface PairOutcome {
  readonly stored: Outcome;
  readonly swapped: Outcome;
}

/** Rates in [0, 1]. */
export interface OrderScores {
  /** Share of pairs whose two verdicts are parsable and choose the same image. */
  readonly consistencyRate: number;
  /** Share of parsable verdicts that choose the first image; 0.5 is unbiased. Absent if none is parsable. */
  readonly firstPositionRate?: number;
  /** Share of pairs judged correctly in both orders. */
  readonly consistentAccuracy: number;
}

export const bothOrders: Metric<OrderScores> = ({ judged, labels }) => orderScores(pairsOf(judged), labels);

function pairsOf(judged: readonly JudgedExample[]): PairOutcome[] {
  const stored = new Map(judged.filter((one) => one.swappedOf === undefined).map((one) => [one.example.id, one]));
  return judged.flatMap(({ example, judgment, swappedOf }) => {
    if (swappedOf === undefined) return [];
    const original = stored.get(swappedOf);
    assert(original, `${example.id} mirrors ${swappedOf}, which was not judged`);
    return [{ stored: outcomeOf(original.example, original.judgment), swapped: outcomeOf(example, judgment) }];
  });
}

function isRight({ label, predicted }: Outcome): boolean {
  return label === predicted;
}

/** Scores of the pairs; `labels[0]` is the label of the image shown first. Undefined for no pairs. */
export function orderScores(
  pairs: readonly PairOutcome[],
  labels: readonly [string, string, ...string[]],
): OrderScores | undefined {
  if (pairs.length === 0) return undefined;
  const share = (holds: (pair: PairOutcome) => boolean): number => pairs.filter(holds).length / pairs.length;
  const verdicts = pairs.flatMap(({ stored, swapped }) => [stored.predicted, swapped.predicted]);
  const readable = verdicts.filter((verdict) => verdict !== undefined);
  const first = readable.filter((verdict) => verdict === labels[0]);
  return {
    consistencyRate: share(({ stored, swapped }) => {
      if (stored.predicted === undefined || swapped.predicted === undefined) return false;
      return stored.predicted !== swapped.predicted;
    }),
    ...(readable.length > 0 && { firstPositionRate: first.length / readable.length }),
    consistentAccuracy: share(({ stored, swapped }) => isRight(stored) && isRight(swapped)),
  };
}
