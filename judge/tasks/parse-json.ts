/** Strict parser of JSON answers: one object with the expected fields and no others, each once. */
import type { AnswerMode, CompletionText, Judgment, UnparsableReason } from '../example.ts';
import { criteriaLabel } from '../kinds/criteria-label.ts';
import { jsonFields } from './completion.ts';
import { jsonSections, sectionProblem, sectionText } from './sections.ts';

/** A JSON string, with the colon that follows it if it is a field name. */
const stringToken = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

function unparsable(reason: UnparsableReason): Judgment {
  return { ok: false, reason };
}

/**
 * Field names in the text. JSON.parse keeps the last of two equal names, but such an answer is ambiguous and must be
 * unparsable.
 */
function fieldNamesOf(text: string): string[] {
  return [...text.matchAll(stringToken)].flatMap(([token, colon]) =>
    colon === undefined ? [] : [token.slice(1, token.lastIndexOf('"'))],
  );
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text of a value; numeric labels may be unquoted, in their shortest form: 3 for `3`. An object holds one criterion a field. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return String(value);
  if (!isRecord(value)) return undefined;
  const values = Object.entries(value).map(
    ([name, each]) => [name, isRecord(each) ? undefined : textOf(each)] as const,
  );
  return criteriaLabel(new Map(values.map(([name, each]) => [name, each ?? ''])));
}

/** Never throws. With `sections`, the rationale is an object of these fields. */
export function parseJson(
  { text, finishReason }: CompletionText,
  isVerdict: (text: string) => boolean,
  mode: AnswerMode,
  sections?: readonly string[],
): Judgment {
  if (finishReason === 'length') return unparsable('truncated');
  const answer = objectIn(text);
  if (answer === undefined) return unparsable('not-json');
  const { rationale: rationaleField, verdict: verdictField } = jsonFields;
  const names = Object.keys(answer);
  if (!names.includes(verdictField)) return unparsable('verdict-missing');
  if (mode === 'think' && !names.includes(rationaleField)) return unparsable('rationale-missing');
  const allowed: readonly string[] = mode === 'think' ? [rationaleField, verdictField] : [verdictField];
  if (names.some((name) => !allowed.includes(name))) return unparsable('text-outside-form');
  // The fields of nested objects count as well: only a verdict of several criteria may be an object.
  const criteria = isRecord(answer[verdictField]) ? Object.keys(answer[verdictField]) : [];
  const inner = criteria.length;
  const rationale = mode === 'think' ? answer[rationaleField] : '';
  const parts = mode === 'think' && sections !== undefined && isRecord(rationale) ? rationale : undefined;
  const written = fieldNamesOf(text);
  // A criterion may have the name of a section.
  const isTwice = (name: string): boolean =>
    written.filter((each) => each === name).length > (criteria.includes(name) ? 2 : 1);
  const repeated = parts === undefined ? [] : (sections ?? []).filter(isTwice);
  const isOnce = written.length <= names.length + inner + Object.keys(parts ?? {}).length;
  if (!isOnce && repeated.length === 0) return unparsable('verdict-repeated');
  if (parts === undefined && (typeof rationale !== 'string' || (mode === 'think' && rationale.trim() === '')))
    return unparsable('rationale-missing');
  const verdict = textOf(answer[verdictField]);
  if (verdict === undefined || !isVerdict(verdict))
    return unparsable(inner > 0 ? 'verdict-repeated' : 'verdict-not-a-label');
  if (mode === 'direct' || sections === undefined) return { ok: true, verdict, rationale: String(rationale).trim() };
  const { found, hasMore } = jsonSections(sections, parts ?? {});
  const twice = repeated.map((name) => ({ name, text: '' }));
  const problem = sectionProblem(sections, { found: [...found, ...twice], hasMore: hasMore || !isOnce });
  return problem ?? { ok: true, verdict, rationale: sectionText(found), sections: found };
}
