/** The recipe's sampling and stop settings, as the engine takes them. */
import type { Sampling } from '../../policy/engine.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { PromptedDataset } from '../asking/prompter.ts';

/** Nothing where all tokens are drawn from. */
export function drawnFrom(topK: number | undefined, topP: number | undefined): Pick<Sampling, 'topK' | 'topP'> {
  return { ...(topK !== undefined && { topK }), ...(topP !== undefined && { topP }) };
}

/** Nothing where the stop token alone ends an answer. Throws PROMPT_INVALID for a text that could never be sampled. */
export function endedBy(
  { stopSequences }: Pick<Recipe, 'stopSequences'>,
  prompted: Pick<PromptedDataset, 'completion'>,
): Pick<Sampling, 'stopSequences'> {
  // In a completion the text is followed by the stop token.
  return stopSequences ? { stopSequences: stopSequences.map((text) => prompted.completion(text).slice(0, -1)) } : {};
}
