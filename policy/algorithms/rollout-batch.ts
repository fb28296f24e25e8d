/** What an algorithm gets, and what it makes of it. */
import type { Prompt, SampledCompletion, TrainGroup } from '../engine.ts';

/** [prompt][rollout][token]. */
export type LogProbs = readonly (readonly (readonly number[])[])[];

export const rewardPartNames = ['accuracy', 'format', 'agreement', 'grader', 'length'] as const;
/** Parts of a reward before they are weighted, as far as they apply; larger is better. */
export type RewardParts = Readonly<Partial<Record<(typeof rewardPartNames)[number], number>>>;

/** All rollouts of a step. */
export interface RolloutBatch {
  /** B prompts. */
  readonly prompts: readonly Prompt[];
  /** [prompt][rollout], G per prompt. */
  readonly rollouts: readonly (readonly SampledCompletion[])[];
  /** [prompt][rollout]. */
  readonly rewards: readonly (readonly number[])[];
  /** [prompt][rollout]. Only advantages by part need them. */
  readonly rewardParts?: readonly (readonly RewardParts[])[];
  /** [prompt]: factor on the advantages, from the prompt's task. Default: 1. */
  readonly advantageWeights?: readonly number[];
  /** Of the reference policy; absent without a KL term, and where the engine is asked for them later. */
  readonly referenceLogProbs?: LogProbs;
  /** Of the policy at the step's start, as the trainer computes them. Only a correction needs them. */
  readonly trainerLogProbs?: LogProbs;
}

/** Training data of an update. */
export interface RolloutGroups {
  readonly groups: readonly TrainGroup[];
  /** Groups that are left out because all their advantages are 0. */
  readonly droppedGroupCount: number;
}
