/** The form of an answer: what supervised training shows, and what the parser demands. */
import { MtrlError } from '../../core/errors.ts';
import type { AnswerMode, Example } from '../example.ts';

export interface TagPair {
  readonly open: string;
  readonly close: string;
}

export const rationaleTags: TagPair = { open: '<think>', close: '</think>' };
export const verdictTags: TagPair = { open: '<answer>', close: '</answer>' };

/** All four, for tokenizers that keep each as one token. */
export const completionTags: readonly string[] = [
  rationaleTags.open,
  rationaleTags.close,
  verdictTags.open,
  verdictTags.close,
];

/** The completion that supervised training teaches. PROMPT_INVALID in `think` mode when the example has no rationale. */
export function targetText(example: Pick<Example, 'id' | 'label' | 'rationale'>, mode: AnswerMode): string {
  const verdict = `${verdictTags.open} ${example.label} ${verdictTags.close}`;
  if (mode === 'direct') return verdict;
  if (example.rationale === undefined) {
    throw new MtrlError('PROMPT_INVALID', 'an example without a rationale cannot teach reasoning', {
      where: example.id,
      hint: "give the dataset a `rationale`, or train in mode 'direct'",
    });
  }
  return `${rationaleTags.open} ${example.rationale} ${rationaleTags.close} ${verdict}`;
}
