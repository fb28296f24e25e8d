/**
 * Supervised fine-tuning: cross-entropy of the target answer, averaged over all answer tokens of the step. It has no
 * rollouts, so it is not in table.ts.
 */
import type { Prompt, TrainGroup } from '../engine.ts';

/** @param completions token ids of each prompt's answer, stop token included */
export function sftGroups(prompts: readonly Prompt[], completions: readonly (readonly number[])[]): TrainGroup[] {
  const tokenCount = completions.reduce((sum, completion) => sum + completion.length, 0);
  return prompts.map((prompt, index) => ({
    prompt,
    completions: [{ tokenIds: completions[index] as readonly number[], tokenWeight: 1 / tokenCount }],
  }));
}
