/** How far an update's pairs are apart under DPO's implicit reward, beta * (log p - log reference) of a completion. */
import { required } from '../../core/assert.ts';
import type { TrainGroup } from '../engine.ts';
import type { DpoLoss } from './dpo.ts';

export interface PairStatistics {
  /** Number of pairs. */
  readonly count: number;
  /** Mean reward of the better completion less that of the other; absent without pairs. */
  readonly margin?: number;
  /** Share of pairs whose better completion has the higher reward; absent without pairs. */
  readonly accuracy?: number;
}

/** @param logProbs under the weights before the update, [group][completion][token] */
export function pairStatistics(
  groups: readonly TrainGroup[],
  logProbs: readonly (readonly (readonly number[])[])[],
  { beta }: DpoLoss,
): PairStatistics {
  const margins = groups.map(({ completions }, g) =>
    completions.reduce((margin, { advantage = 0, referenceLogProbs = [] }, c) => {
      const own = required(logProbs[g]?.[c], 'log-probs of a completion');
      return margin + advantage * beta * (sum(own) - sum(referenceLogProbs));
    }, 0),
  );
  if (margins.length === 0) return { count: 0 };
  const rightCount = margins.filter((margin) => margin > 0).length;
  return { count: margins.length, margin: sum(margins) / margins.length, accuracy: rightCount / margins.length };
}

/** Statistics over all updates of a step; `count` is that of one pass. */
export function joinedPairs(statistics: readonly PairStatistics[], epochCount: number): PairStatistics {
  const count = sum(statistics.map((each) => each.count));
  if (count === 0) return { count };
  const meanOf = (value: 'margin' | 'accuracy'): number =>
    sum(statistics.map((each) => each.count * (each[value] ?? 0))) / count;
  return { count: count / epochCount, margin: meanOf('margin'), accuracy: meanOf('accuracy') };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
