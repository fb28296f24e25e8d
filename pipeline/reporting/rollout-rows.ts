/** Rollouts as flat rows, for tables that are filtered: tokens and log-probs are left in the log. */
import { required } from '../../core/assert.ts';
import type { RlUpdate } from '../policies/step-record.ts';
import type { JsonCache } from '../json-cache.ts';
import { rewardedRollouts } from '../training/rollout-artifact.ts';

export interface RolloutRow {
  readonly step: number;
  /** Place of the prompt in its step, over all shards. */
  readonly prompt: number;
  /** Place of the rollout in its group. */
  readonly rollout: number;
  readonly task: string;
  /** Row of the dataset. */
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly label: string;
  /** null if the answer could not be read; `reason` says why. */
  readonly verdict: string | null;
  readonly reason: string | null;
  readonly reward: number;
  readonly accuracy: number;
  readonly tokenCount: number;
  readonly finishReason: string;
  readonly text: string;
}

/** A step's rollouts and rewards, prompt by prompt. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function promptsOf(cache: JsonCache, update: RlUpdate) {
  const { rewards, shards } = await rewardedRollouts(cache, update);
  const sampled = shards.flatMap(({ prompts }) => prompts);
  return sampled.map((prompt, i) => ({
    prompt,
    graded: required(rewards.prompts[i], `rewards of ${prompt.exampleId}`),
  }));
}

export async function rowsOfStep(cache: JsonCache, update: RlUpdate): Promise<RolloutRow[]> {
  const prompts = await promptsOf(cache, update);
  return prompts.flatMap(({ prompt: { task, exampleIndex, exampleId, rollouts }, graded }, prompt) =>
    rollouts.map(({ text, tokenIds, finishReason }, rollout): RolloutRow => {
      const { judgment, reward } = required(
        graded.rollouts[rollout],
        `a reward for rollout ${rollout} of ${exampleId}`,
      );
      return {
        ...{ step: update.step, prompt, rollout, task, exampleIndex, exampleId, label: graded.label },
        verdict: judgment.ok ? judgment.verdict : null,
        reason: judgment.ok ? null : judgment.reason,
        ...{ reward: reward.value, accuracy: reward.accuracy, tokenCount: tokenIds.length, finishReason, text },
      };
    }),
  );
}
