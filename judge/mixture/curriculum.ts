/** Curriculum: how informative a prompt still is, by the success rate of the groups sampled from it. */
import type { CurriculumSpec } from '../../recipes/fields/mixture-fields.ts';

/** Example index -> exponential moving average of the share of correct rollouts, in [0, 1]. JSON. */
export type SuccessRates = Readonly<Record<number, number>>;

/** Weight of the newest group in the average: the policy changes, so older rewards are less informative. */
const newestWeight = 0.5;

export interface ObservedGroup {
  readonly exampleIndex: number;
  /** Share of the group's rollouts that were correct. */
  readonly successRate: number;
}

/** Adds groups, in the order in which they were sampled. */
export function observe(before: SuccessRates, groups: readonly ObservedGroup[]): SuccessRates {
  const rates: Record<number, number> = { ...before };
  for (const { exampleIndex, successRate } of groups) {
    const known = rates[exampleIndex];
    rates[exampleIndex] = known === undefined ? successRate : known + newestWeight * (successRate - known);
  }
  return rates;
}

/**
 * Probability that an example is taken on its turn: 4 p (1 - p), the variance of its rewards relative to the largest
 * possible one, but at least `chanceMin`; 1 for an example that was never sampled.
 */
export function chanceOf(rates: SuccessRates, { chanceMin }: CurriculumSpec): (exampleIndex: number) => number {
  return (exampleIndex) => {
    const rate = rates[exampleIndex];
    return rate === undefined ? 1 : Math.max(chanceMin, 4 * rate * (1 - rate));
  };
}
