/** The form of an answer, as supervised training targets have it and the parsers require it. */
import { MtrlError } from '../../core/errors.ts';
import { joinSegments, markRow, type MarkedText, segmentsOf, unusedMarks } from '../../core/marked-text.ts';
import type { VerdictFormat } from '../../recipes/fields/task-fields.ts';
import type { AnswerMode, Example, Rationale, Section } from '../example.ts';
import { sectionText } from './sections.ts';

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
  const marks = unusedMarks([
    label,
    ...(typeof rationale === 'string' ? [rationale] : rationale.map(({ text }) => text)),
  ]);
  const marked = {
    ...{ id, label },
    ...(example.rationale !== undefined && { rationale: inRationale(rationale, (text) => markRow(text, marks)) }),
  };
  return joinSegments(segmentsOf(targetText(marked, mode, format), marks));
}

function inRationale(rationale: Rationale, change: (text: string) => string): Rationale {
  if (typeof rationale === 'string') return change(rationale);
  return rationale.map(({ name, text }) => ({ name, text: change(text) }));
}

/** Writers by verdict format; without a rationale they write the verdict alone. */
const writers: Readonly<Record<VerdictFormat, (verdict: string, rationale?: Rationale) => string>> = {
  tagged: (verdict, rationale) => {
    const answer = `${verdictTags.open} ${verdict} ${verdictTags.close}`;
    if (rationale === undefined) return answer;
    const tagged = (sections: readonly Section[]) => sections.map(({ name, text }) => `<${name}> ${text} </${name}>`);
    const inner = typeof rationale === 'string' ? rationale : tagged(rationale).join(' ');
    return `${rationaleTags.open} ${inner} ${rationaleTags.close} ${answer}`;
  },
  json: (verdict, rationale) => {
    const fields = (sections: readonly Section[]) => Object.fromEntries(sections.map(({ name, text }) => [name, text]));
    return JSON.stringify({
      ...(rationale !== undefined && {
        [jsonFields.rationale]: typeof rationale === 'string' ? rationale : fields(rationale),
      }),
      [jsonFields.verdict]: verdict,
    });
  },
  'last-line': (verdict, rationale) => {
    if (rationale === undefined) return verdict;
    return `${typeof rationale === 'string' ? rationale : sectionText(rationale)}\n${verdict}`;
  },
};

function rationaleOf({ id, rationale }: Pick<Example, 'id' | 'rationale'>): Rationale {
  if (rationale !== undefined) return rationale;
  throw new MtrlError('PROMPT_INVALID', 'an example without a rationale cannot teach reasoning', {
    where: id,
    hint: "give the dataset a `rationale`, or train in mode 'direct'",
  });
}
