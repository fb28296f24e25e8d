/** Builds the groups of an update from advantages; shared by all algorithms with one advantage per rollout. */
import type { SampledCompletion, TrainGroup } from '../engine.ts';
import type { RolloutBatch, RolloutGroups } from './algorithm.ts';

/** Rewards with a smaller spread count as equal: their deviation is only rounding error. */
const rewardSpreadMin = 1e-6;

export interface GroupRule {
  /** Advantages of one group, whose rewards are not all equal. */
  readonly advantages: (rewards: readonly number[]) => readonly number[];
  /** Weight of each token of the rollout, including the normaliser. */
  readonly tokenWeight: (rollout: SampledCompletion) => number;
  /** Keep groups of equal rewards, with advantage 0: a KL term is a mean over all groups. */
  readonly keepsEqual: boolean;
}

export function trainGroups(batch: RolloutBatch, { advantages, tokenWeight, keepsEqual }: GroupRule): RolloutGroups {
  const groups = batch.prompts.flatMap((prompt, index): TrainGroup[] => {
    const rewards = batch.rewards[index] as readonly number[];
    const isEqual = Math.max(...rewards) - Math.min(...rewards) < rewardSpreadMin;
    const values = isEqual ? rewards.map(() => 0) : advantages(rewards);
    if (!keepsEqual && values.every((value) => value === 0)) return [];
    // Applied after normalisation within the group, which would cancel the weight.
    const weight = batch.advantageWeights?.[index] ?? 1;
    const completions = (batch.rollouts[index] as readonly SampledCompletion[]).map((rollout, k) => ({
      tokenIds: rollout.tokenIds,
      tokenWeight: tokenWeight(rollout),
      advantage: (values[k] as number) * weight,
      logProbs: rollout.logProbs,
    }));
    return [{ prompt, completions }];
  });
  return { groups, droppedGroupCount: batch.prompts.length - groups.length };
}

/**
 * Returns the weight 1 / (tokens of the batch, dropped groups included): every token has the same weight, and a step in
 * which few groups have non-zero advantages makes a small update.
 */
export function tokenMean({ rollouts }: RolloutBatch): GroupRule['tokenWeight'] {
  const tokenCount = rollouts.flat().reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return () => 1 / tokenCount;
}
