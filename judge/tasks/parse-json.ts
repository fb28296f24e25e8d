/** Strict parser of JSON answers: one object with the expected fields and no others, each once. */
import type { AnswerMode, CompletionText, Judgment, UnparsableReason } from '../example.ts';
import { criteriaLabel } from '../kinds/criteria-label.ts';
import { jsonFields } from './completion.ts';

/** A JSON string, with the colon that follows it if it is a field name. */
const stringToken = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

function unparsable(reason: UnparsableReason): Judgment {
  return { ok: false, reason };
}

/**
 * Number of field names in the text. JSON.parse keeps the last of two equal names, but such an answer is ambiguous and
 * must be unparsable.
 */
function fieldCountOf(text: string): number {
  return [...text.matchAll(stringToken)].filter(([, colon]) => colon !== undefined).length;
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

/** Never throws. */
export function parseJson(
  { text, finishReason }: CompletionText,
  isVerdict: (text: string) => boolean,
  mode: AnswerMode,
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
  const inner = isRecord(answer[verdictField]) ? Object.keys(answer[verdictField]).length : 0;
  if (fieldCountOf(text) > names.length + inner) return unparsable('verdict-repeated');
  const rationale = mode === 'think' ? answer[rationaleField] : '';
  if (typeof rationale !== 'string' || (mode === 'think' && rationale.trim() === '')) {
    return unparsable('rationale-missing');
  }
  const verdict = textOf(answer[verdictField]);
  if (verdict === undefined || !isVerdict(verdict))
    return unparsable(inner > 0 ? 'verdict-repeated' : 'verdict-not-a-label');
  return { ok: true, verdict, rationale: rationale.trim() };
}
