/** The form of an answer: what supervised training shows, and what the parser demands. */
import { MtrlError } from '../../core/errors.ts';
import { joinSegments, markRow, type MarkedText, segmentsOf, unusedMarks } from '../../core/marked-text.ts';
import type { VerdictFormat } from '../../recipes/fields/task-fields.ts';
import type { AnswerMode, Example } from '../example.ts';

export interface TagPair {
  readonly open: string;
  readonly close: string;
}

export const rationaleTags: TagPair = { open: '<think>', close: '</think>' };
export const verdictTags: TagPair = { open: '<answer>', close: '</answer>' };

/** Fields of an answer in JSON. */
export const jsonFields = { rationale: 'rationale', verdict: 'verdict' } as const;

/** All four, for tokenizers that keep each as one token. */
export const completionTags: readonly string[] = [
  rationaleTags.open,
  rationaleTags.close,
  verdictTags.open,
  verdictTags.close,
];

/** The completion that supervised training teaches. PROMPT_INVALID in `think` mode when the example has no rationale. */
export function targetText(
  example: Pick<Example, 'id' | 'label' | 'rationale'>,
  mode: AnswerMode,
  format?: VerdictFormat,
): string {
  return writers[format ?? 'tagged'](example.label, mode === 'direct' ? undefined : rationaleOf(example));
}

/** As `targetText`; the rationale is text of the row. */
export function markedTarget(
  example: Pick<Example, 'id' | 'label' | 'rationale'>,
  mode: AnswerMode,
  format?: VerdictFormat,
): MarkedText {
  const { id, label, rationale = '' } = example;
  const marks = unusedMarks([label, rationale]);
  const marked = { id, label, ...(example.rationale !== undefined && { rationale: markRow(rationale, marks) }) };
  return joinSegments(segmentsOf(targetText(marked, mode, format), marks));
}

/** No rationale: the bare verdict. */
const writers: Readonly<Record<VerdictFormat, (verdict: string, rationale?: string) => string>> = {
  tagged: (verdict, rationale) => {
    const answer = `${verdictTags.open} ${verdict} ${verdictTags.close}`;
    return rationale === undefined ? answer : `${rationaleTags.open} ${rationale} ${rationaleTags.close} ${answer}`;
  },
  json: (verdict, rationale) =>
    JSON.stringify({
      ...(rationale !== undefined && { [jsonFields.rationale]: rationale }),
      [jsonFields.verdict]: verdict,
    }),
  'last-line': (verdict, rationale) => (rationale === undefined ? verdict : `${rationale}\n${verdict}`),
};

function rationaleOf({ id, rationale }: Pick<Example, 'id' | 'rationale'>): string {
  if (rationale !== undefined) return rationale;
  throw new MtrlError('PROMPT_INVALID', 'an example without a rationale cannot teach reasoning', {
    where: id,
    hint: "give the dataset a `rationale`, or train in mode 'direct'",
  });
}
