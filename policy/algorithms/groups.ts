/** From advantages to the groups of an update: what all algorithms with one advantage a rollout share. */
import type { SampledCompletion, TrainGroup } from '../engine.ts';
import type { RolloutBatch, RolloutGroups } from './algorithm.ts';

/** Rewards closer than this are equal: such a group teaches nothing and its deviation is rounding. */
const rewardSpreadMin = 1e-6;

export interface GroupRule {
  /** Of one group, whose rewards are not all equal. */
  readonly advantages: (rewards: readonly number[]) => readonly number[];
  /** Of each token of the rollout; its normaliser is in it. */
  readonly tokenWeight: (rollout: SampledCompletion) => number;
  /** Groups of equal rewards stay, with advantage 0: a KL term is a mean over all groups. */
  readonly keepsEqual: boolean;
}

export function trainGroups(batch: RolloutBatch, { advantages, tokenWeight, keepsEqual }: GroupRule): RolloutGroups {
  const groups = batch.prompts.flatMap((prompt, index): TrainGroup[] => {
    const rewards = batch.rewards[index] as readonly number[];
    const isEqual = Math.max(...rewards) - Math.min(...rewards) < rewardSpreadMin;
    const values = isEqual ? rewards.map(() => 0) : advantages(rewards);
    if (!keepsEqual && values.every((value) => value === 0)) return [];
    // After normalisation within the group, which would take the weight out again.
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
 * 1 / (all tokens of the batch, dropped groups included): every token weighs the same, and a step in which few groups
 * teach makes a small update and not a loud one.
 */
export function tokenMean({ rollouts }: RolloutBatch): GroupRule['tokenWeight'] {
  const tokenCount = rollouts.flat().reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return () => 1 / tokenCount;
}
