/** The rewards of a whole run in a line of text: as many marks as fit, each the mean of as many steps as that takes. */
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

/** A mark a value, from the least (▁) to the greatest (█); all in the middle where they are equal. */
export function sparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values
    .map((value) => (range === 0 ? '▄' : marks[Math.round(((value - least) / range) * (marks.length - 1))]))
    .join('');
}

/** `values`: an even number of them. */
function meansOfPairs(values: readonly number[]): number[] {
  return values.flatMap((value, i) => (i % 2 === 0 ? [mean([value, values[i + 1] ?? value])] : []));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
