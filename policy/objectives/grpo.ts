/** Group-relative policy optimisation (arXiv 2402.03300): a rollout's advantage is its reward against its own group's. */
import type { Prompt, SampledCompletion, TrainGroup } from '../engine.ts';

/** Added to the standard deviation; a group whose rewards are all equal is dropped before it matters. */
const deviationEpsilon = 1e-4;

/** Rewards closer than this are equal: such a group teaches nothing and its deviation is rounding. */
const rewardSpreadMin = 1e-6;

export interface GrpoGroups {
  readonly groups: readonly TrainGroup[];
  /** Groups of equal rewards that are left out. */
  readonly droppedGroupCount: number;
  /** Index of each kept group in the step's whole batch. */
  readonly keptIndices: readonly number[];
}

/** (r - mean) / (std + 1e-4) within one group, sample standard deviation; all zero when the rewards are equal. */
export function groupAdvantages(rewards: readonly number[]): number[] {
  if (Math.max(...rewards) - Math.min(...rewards) < rewardSpreadMin) return rewards.map(() => 0);
  const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
  const variance = rewards.reduce((a, reward) => a + (reward - mean) ** 2, 0) / (rewards.length - 1);
  return rewards.map((reward) => (reward - mean) / (Math.sqrt(variance) + deviationEpsilon));
}

/**
 * The step's training groups. Every token weighs the same, 1 / (all tokens of the step, dropped groups included), so a
 * step in which few groups teach makes a small update and not a loud one.
 * @param prompts [prompt]; rollouts and rewards [prompt][rollout]
 * @param withKl the loss has a KL term, which is a mean over all groups: those of equal rewards stay, with advantage 0
 */
export function grpoGroups(
  prompts: readonly Prompt[],
  rollouts: readonly (readonly SampledCompletion[])[],
  rewards: readonly (readonly number[])[],
  withKl = false,
): GrpoGroups {
  const tokenCount = rollouts.flat().reduce((sum, rollout) => sum + rollout.tokenIds.length, 0);
  const groups: TrainGroup[] = [];
  const keptIndices: number[] = [];
  prompts.forEach((prompt, index) => {
    const advantages = groupAdvantages(rewards[index] as readonly number[]);
    if (!withKl && advantages.every((advantage) => advantage === 0)) return;
    keptIndices.push(index);
    groups.push({
      prompt,
      completions: (rollouts[index] as readonly SampledCompletion[]).map((rollout, k) => ({
        tokenIds: rollout.tokenIds,
        tokenWeight: 1 / tokenCount,
        advantage: advantages[k] as number,
        logProbs: rollout.logProbs,
      })),
    });
  });
  return { groups, droppedGroupCount: prompts.length - groups.length, keptIndices };
}
