/** The advantages with which a recorded step was trained, computed again from its log by its algorithm. */
import { algorithms, defaultAlgorithm } from '../../policy/algorithms/table.ts';
import type { RolloutBatch } from '../../policy/algorithms/rollout-batch.ts';
import type { RlUpdate } from '../policies/step-record.ts';
import { rewardParts } from './reward-parts.ts';
import type { PromptRewards, PromptRollouts } from './rollout-artifact.ts';

interface GradedPrompt {
  readonly prompt: PromptRollouts;
  readonly graded: PromptRewards;
}

/** What an update does with a rollout. */
export interface RolloutAdvantage {
  readonly advantage: number;
  /** Whether its tokens are in the loss; a group whose advantages are all 0 is left out. */
  readonly isTrained: boolean;
}

/**
 * [prompt][rollout]. Undefined if the algorithm needs log-probs that the log does not hold: of the trainer, or of a
 * reference.
 */
export function stepAdvantages(
  update: RlUpdate,
  prompts: readonly GradedPrompt[],
): readonly (readonly RolloutAdvantage[])[] | undefined {
  const { algorithm = defaultAlgorithm } = update;
  const unit = algorithms[algorithm];
  const needs = unit.needs(update);
  if (needs.reference || needs.trainer) return undefined;
  const batch: RolloutBatch = {
    // Groups carry their prompts along, and compute nothing from them.
    prompts: prompts.map(() => ({ tokenIds: [], images: [] })),
    rollouts: prompts.map(({ prompt }) => prompt.rollouts),
    rewards: prompts.map(({ graded }) => graded.rollouts.map(({ reward }) => reward.value)),
    rewardParts: prompts.map(({ graded }) => graded.rollouts.map(({ reward }) => rewardParts(reward))),
    advantageWeights: prompts.map(({ graded: { weight = 1 } }) => weight),
  };
  return prompts.map(({ prompt }, index) => {
    const [group] = unit.groups(batch, update, [index]).groups;
    return prompt.rollouts.map((_, k) => {
      const completion = group?.completions[k];
      return { advantage: completion?.advantage ?? 0, isTrained: completion !== undefined };
    });
  });
}
