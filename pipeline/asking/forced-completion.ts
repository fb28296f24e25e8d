/** Encodes a label as the completion after a judge's rationale, to score its probability at the verdict's position. */
import type { MarkedText } from '../../core/marked-text.ts';
import { MtrlError } from '../../core/errors.ts';
import type { AnswerMode, Judgment } from '../../judge/example.ts';
import { markedTarget } from '../../judge/tasks/completion.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { PromptedDataset } from './prompts/prompter.ts';

/**
 * Returns token ids, including the stop token. A sampled rationale may spell out a token that is never sampled
 * (`<image>`, letter by letter). It is then encoded as plain text, or omitted if the tokenizer cannot encode it. Throws
 * PROMPT_INVALID for a label that could never be sampled.
 */
export function forcedCompletion(
  { completion }: Pick<PromptedDataset, 'completion'>,
  label: string,
  { verdictFormat }: TaskSpec,
  mode: AnswerMode,
  judgment: Judgment,
): readonly number[] {
  const bare = markedTarget({ id: label, label }, 'direct', verdictFormat);
  const rationale = judgment.ok ? (judgment.sections ?? judgment.rationale) : '';
  if (mode !== 'think' || rationale === '') return completion(bare.text);
  const whole = markedTarget({ id: label, label, rationale }, 'think', verdictFormat);
  return firstSayable(completion, [whole.text, whole], bare);
}

function firstSayable(
  completion: PromptedDataset['completion'],
  texts: readonly (string | MarkedText)[],
  last: MarkedText,
): readonly number[] {
  for (const text of texts) {
    try {
      return completion(text);
    } catch (error) {
      if (!(error instanceof MtrlError) || error.code !== 'PROMPT_INVALID') throw error;
    }
  }
  return completion(last);
}
