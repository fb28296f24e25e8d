/** Advantages within one group. */

/** Rewards with a smaller spread count as equal: their deviation is only rounding error. */
export const spreadMin = 1e-6;

/** Applies the rule to the rewards of a group; rewards that are all equal give 0. */
export function inGroup(rewards: readonly number[], rule: (rewards: readonly number[]) => number[]): number[] {
  const isEqual = Math.max(...rewards) - Math.min(...rewards) < spreadMin;
  return isEqual ? rewards.map(() => 0) : rule(rewards);
}
