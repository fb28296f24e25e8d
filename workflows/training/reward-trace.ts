/** A run's rewards as a sparkline: a bounded number of marks, each the mean of as many steps as that takes. */
import type { RewardTrace } from '../../contract/workflows.ts';

export const emptyTrace: RewardTrace = { stepCountPerMean: 1, means: [], rest: [] };

const meanCountMax = 40;

export function addReward({ stepCountPerMean, means, rest }: RewardTrace, reward: number): RewardTrace {
  const waiting = [...rest, reward];
  if (waiting.length < stepCountPerMean) return { stepCountPerMean, means, rest: waiting };
  const grown = [...means, mean(waiting)];
  if (grown.length < meanCountMax) return { stepCountPerMean, means: grown, rest: [] };
  return { stepCountPerMean: 2 * stepCountPerMean, means: meansOfPairs(grown), rest: [] };
}

/** Empty before the first reward. */
export function traceLine({ means, rest }: RewardTrace): string {
  return sparkline(rest.length === 0 ? means : [...means, mean(rest)]);
}

const marks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** One mark per value, from the minimum (▁) to the maximum (█); the middle one (▄) for all if the values are equal. */
export function sparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values
    .map((value) => (range === 0 ? '▄' : marks[Math.round(((value - least) / range) * (marks.length - 1))]))
    .join('');
}

/** `values` has an even length. */
function meansOfPairs(values: readonly number[]): number[] {
  return values.flatMap((value, i) => (i % 2 === 0 ? [mean([value, values[i + 1] ?? value])] : []));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
