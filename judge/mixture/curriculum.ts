/** How much a prompt still teaches, by the success of the groups that were sampled from it. */
import type { CurriculumSpec } from '../../recipes/fields/mixture-fields.ts';

/** Example index -> share of right rollouts, in [0, 1], newer groups weighing more. JSON. */
export type SuccessRates = Readonly<Record<number, number>>;

/** Of the newest group only: the policy changes, so older rewards say little. */
const newestWeight = 0.5;

export interface ObservedGroup {
  readonly exampleIndex: number;
  /** Share of the group's rollouts that were right. */
  readonly successRate: number;
}

/** Groups in the order in which they were sampled. */
export function observe(before: SuccessRates, groups: readonly ObservedGroup[]): SuccessRates {
  const rates: Record<number, number> = { ...before };
  for (const { exampleIndex, successRate } of groups) {
    const known = rates[exampleIndex];
    rates[exampleIndex] = known === undefined ? successRate : known + newestWeight * (successRate - known);
  }
  return rates;
}

/**
 * Chance that an example is taken when its turn comes: 4 p (1 - p), the variance of its rewards relative to the largest
 * one, at least `chanceMin`. An example that was never sampled is always taken.
 */
export function chanceOf(rates: SuccessRates, { chanceMin }: CurriculumSpec): (exampleIndex: number) => number {
  return (exampleIndex) => {
    const rate = rates[exampleIndex];
    return rate === undefined ? 1 : Math.max(chanceMin, 4 * rate * (1 - rate));
  };
}
