/** Differences between judges as they are told: the better one first. */
import type { JudgeTest } from './score-judges.ts';

export const significanceLevel = 0.05;

export interface ToldDifference {
  readonly better: string;
  readonly worse: string;
  /** Accuracy of the better minus that of the worse, not negative. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  readonly holmP: number;
  readonly mcNemarHolmP: number;
  /** Whether both tests find it. */
  readonly holds: boolean;
  readonly verdictCount: number;
}

export function told({ judge, other, difference, ci95: [low, high], ...test }: JudgeTest): ToldDifference {
  const { holmP, mcNemarHolmP, verdictCount } = test;
  const holds = holmP < significanceLevel && mcNemarHolmP < significanceLevel;
  const rest = { holmP, mcNemarHolmP, verdictCount, holds };
  if (difference > 0) return { better: judge, worse: other, difference, ci95: [low, high], ...rest };
  // Not -0.
  return { better: other, worse: judge, difference: 0 - difference, ci95: [0 - high, 0 - low], ...rest };
}
