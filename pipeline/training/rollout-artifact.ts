/** Rollouts with their judgments and rewards: the durable log of a run, which the rollout viewer shows. */
import type { DocumentSource, Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { Judgment, Reward } from '../../judge/example.ts';

export interface Rollout {
  readonly tokenIds: readonly number[];
  /** One per token, natural log, under the policy that sampled it. */
  readonly logProbs: readonly number[];
  /** For each token, those over which its log-prob is; absent if it is over all that may be sampled. */
  readonly keptTokenIds?: readonly (readonly number[])[];
  readonly finishReason: 'stop' | 'length';
  /** Decoded, without the stop token. */
  readonly text: string;
}

export interface PromptRollouts {
  /** Index into the dataset's examples. */
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly task: string;
  /** Set if the candidates were shown in another order than that of the row (judge/tasks/reorder.ts). */
  readonly swapped?: true;
  /** Place of the order among those of the example; absent for the first two. */
  readonly order?: number;
  readonly promptTokenCount: number;
  /** G rollouts. */
  readonly rollouts: readonly Rollout[];
}

/** The output of one rollout activity. */
export interface RolloutShard {
  readonly schema: 1;
  readonly step: number;
  readonly shard: { readonly index: number; readonly count: number };
  readonly prompts: readonly PromptRollouts[];
}

export interface JudgedRollout {
  readonly judgment: Judgment;
  readonly reward: Reward;
}

/** One prompt's rewards, in the order of its rollouts. */
export interface PromptRewards {
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly task: string;
  /** Label of the order shown. */
  readonly label: string;
  readonly swapped?: true;
  readonly order?: number;
  /** Factor on the advantages; 1 if absent. */
  readonly weight?: number;
  readonly rollouts: readonly JudgedRollout[];
}

/** The output of a reward activity: the prompts of all shards, in order. */
export interface StepRewards {
  readonly schema: 1;
  readonly step: number;
  readonly prompts: readonly PromptRewards[];
}

export const rolloutShardFormat: Format<RolloutShard> = { what: 'the rollouts of a step', schema: 1 };
export const stepRewardsFormat: Format<StepRewards> = { what: 'the rewards of a step', schema: 1 };

/** What an update learns from. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT, FORMAT_UNSUPPORTED. */
export async function rewardedRollouts(
  source: DocumentSource,
  { rewards, rollouts }: { readonly rewards: ArtifactRef; readonly rollouts: readonly ArtifactRef[] },
): Promise<{ readonly rewards: StepRewards; readonly shards: readonly RolloutShard[] }> {
  const [graded, ...shards] = await Promise.all([
    source.getDocument(rewards, stepRewardsFormat),
    ...rollouts.map((ref) => source.getDocument(ref, rolloutShardFormat)),
  ]);
  return { rewards: graded, shards };
}
