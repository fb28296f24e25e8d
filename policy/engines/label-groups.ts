/** Converts labels to groups whose log-probs give the probability of each label at the verdict's position. */
import type { LabelledPrompt, TrainGroup } from '../engine.ts';

/** Moves the shared prefix of the completions to the end of the prompt, so that it is computed once. */
export function labelGroups(prompts: readonly LabelledPrompt[]): TrainGroup[] {
  return prompts.map(({ prompt, completions }) => {
    const length = sharedLength(completions);
    const shared = completions[0]?.slice(0, length) ?? [];
    return {
      prompt: { ...prompt, tokenIds: [...prompt.tokenIds, ...shared] },
      completions: completions.map((tokenIds) => ({ tokenIds: tokenIds.slice(length), tokenWeight: 0 })),
    };
  });
}

/** @param logProbs of the groups: [prompt][label][token] */
export function sumLabels(
  prompts: readonly LabelledPrompt[],
  logProbs: readonly (readonly (readonly number[])[])[],
): number[][] {
  return prompts.map(({ completions }, i) => {
    // Without the stop token, a label is not penalised if the judge would continue. Only labels like `1`, `10` need it.
    const end = completions.some((one) => completions.some((other) => isBeginning(one, other))) ? undefined : -1;
    return (logProbs[i] ?? []).map((label) => label.slice(0, end).reduce((sum, value) => sum + value, 0));
  });
}

/** Length of the prefix shared by all completions; every completion keeps its stop token. */
function sharedLength(completions: readonly (readonly number[])[]): number {
  const [first = [], ...others] = completions;
  const differs = first.findIndex((id, index) => others.some((other) => other[index] !== id));
  const shortest = Math.min(...completions.map(({ length }) => length)) - 1;
  return differs === -1 ? shortest : Math.min(differs, shortest);
}

/** Whether a completion, without its stop token, is a prefix of a longer one. */
function isBeginning(completion: readonly number[], other: readonly number[]): boolean {
  return (
    completion.length < other.length && completion.slice(0, -1).every((tokenId, index) => tokenId === other[index])
  );
}
