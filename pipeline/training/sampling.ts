/** The recipe's sampling and stop settings, as the engine takes them. */
import type { Sampling } from '../../policy/engine.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { PromptedDataset } from '../asking/prompts/prompter.ts';

/** Top-k and top-p as far as they are set; empty if every token may be drawn. */
export function drawnFrom(topK: number | undefined, topP: number | undefined): Pick<Sampling, 'topK' | 'topP'> {
  return { ...(topK !== undefined && { topK }), ...(topP !== undefined && { topP }) };
}

/** Stop sequences as token ids, or nothing. Throws PROMPT_INVALID for text that could never be sampled. */
export function endedBy(
  { stopSequences }: Pick<Recipe, 'stopSequences'>,
  prompted: Pick<PromptedDataset, 'completion'>,
): Pick<Sampling, 'stopSequences'> {
  // A completion ends with the stop token, which is cut off here.
  return stopSequences ? { stopSequences: stopSequences.map((text) => prompted.completion(text).slice(0, -1)) } : {};
}
