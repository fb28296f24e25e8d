/** Compares the means of a step's rollouts with the limits of the arm's guards. */
import type { CollapseSpec } from '../../recipes/fields/guard-fields.ts';
import type { PromptRewards, Rollout } from './rollout-artifact.ts';

export type CollapseLimits = Omit<CollapseSpec, 'action' | 'stepCount'>;

/** What is outside of the limits, as text; undefined if nothing is. */
export function outsideOf(
  limits: CollapseLimits,
  prompts: readonly PromptRewards[],
  rollouts: readonly Rollout[],
): string | undefined {
  const rewards = prompts.flatMap((prompt) => prompt.rollouts.map(({ reward }) => reward));
  const tokenCount = sumOf(rollouts.map(({ tokenIds }) => tokenIds.length));
  const logProbSum = sumOf(rollouts.flatMap(({ logProbs }) => logProbs));
  const length = tokenCount / rollouts.length;
  const found = {
    rewardMin: sumOf(rewards.map(({ value }) => value)) / rewards.length,
    entropyMin: -logProbSum / tokenCount,
    formatRateMin: sumOf(rewards.map(({ format }) => format)) / rewards.length,
    completionTokenCountMin: length,
    completionTokenCountMax: length,
  };
  const outside = (Object.keys(found) as (keyof CollapseLimits)[]).flatMap((name) => {
    const limit = limits[name];
    if (limit === undefined) return [];
    const isWithin = name === 'completionTokenCountMax' ? found[name] <= limit : found[name] >= limit;
    return isWithin ? [] : [`${name} ${String(limit)}: found ${found[name].toPrecision(4)}`];
  });
  return outside.length === 0 ? undefined : outside.join('; ');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
