/** The form of an answer, as supervised training targets have it and the parsers require it. */
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

/** Field names of a JSON answer. */
export const jsonFields = { rationale: 'rationale', verdict: 'verdict' } as const;

/** All four tags, for tokenizers that encode each as one token. */
export const completionTags: readonly string[] = [
  rationaleTags.open,
  rationaleTags.close,
  verdictTags.open,
  verdictTags.close,
];

/** Target completion of supervised training. PROMPT_INVALID in `think` mode if the example has no rationale. */
export function targetText(
  example: Pick<Example, 'id' | 'label' | 'rationale'>,
  mode: AnswerMode,
  format?: VerdictFormat,
): string {
  return writers[format ?? 'tagged'](example.label, mode === 'direct' ? undefined : rationaleOf(example));
}

/** As `targetText`, with the rationale marked as row text. */
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

/** Writers by verdict format; without a rationale they write the verdict alone. */
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
