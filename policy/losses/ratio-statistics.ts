/** What an update's ratios of new to old probability were, and how many of them its loss clipped. */
import type { TrainGroup } from '../engine.ts';
import type { PpoLoss } from './ppo.ts';

export interface RatioStatistics {
  /** Number of ratios: one a token, or one a rollout if the loss has ratios of rollouts. */
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  /**
   * Share of ratios beyond the limit that their advantage pushes them over: above the upper one with a positive
   * advantage, below the lower one with a negative one. With `stop-gradient`: beyond either, whatever the advantage.
   */
  readonly clippedShare: number;
}

/** Keeps ratios finite. */
const logRatioMax = 700;

/** @param logProbs under the weights before the update, [group][completion][token] */
export function ratioStatistics(
  groups: readonly TrainGroup[],
  logProbs: readonly (readonly (readonly number[])[])[],
  { clipLow, clipHigh, clip, ratio: level }: PpoLoss,
): RatioStatistics {
  let [count, sum, max, clippedCount] = [0, 0, 0, 0];
  groups.forEach(({ completions }, g) => {
    completions.forEach(({ advantage = 0, logProbs: old = [] }, c) => {
      const changes = old.map((before, t) => (logProbs[g]?.[c]?.[t] ?? Number.NaN) - before);
      const whole = changes.reduce((a, b) => a + b, 0);
      const logRatios = level === undefined ? changes : [level === 'sequence' ? whole : whole / changes.length];
      for (const logRatio of logRatios) {
        const ratio = Math.exp(Math.min(logRatio, logRatioMax));
        const [isAbove, isBelow] = [ratio > 1 + clipHigh, ratio < 1 - clipLow];
        const isClipped =
          clip === 'stop-gradient' ? isAbove || isBelow : (isAbove && advantage > 0) || (isBelow && advantage < 0);
        count++;
        sum += ratio;
        max = Math.max(max, ratio);
        if (isClipped) clippedCount++;
      }
    });
  });
  return { count, mean: sum / count, max, clippedShare: clippedCount / count };
}

/** Statistics over all of these ratios; undefined for none. */
export function joined(statistics: readonly RatioStatistics[]): RatioStatistics | undefined {
  const count = statistics.reduce((sum, each) => sum + each.count, 0);
  if (count === 0) return undefined;
  const meanOf = (value: (of: RatioStatistics) => number): number =>
    statistics.reduce((sum, each) => sum + each.count * value(each), 0) / count;
  return {
    count,
    mean: meanOf(({ mean }) => mean),
    max: Math.max(...statistics.map(({ max }) => max)),
    clippedShare: meanOf(({ clippedShare }) => clippedShare),
  };
}
