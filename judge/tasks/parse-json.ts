/** The strict reading of an answer in JSON: one object, its fields and no others, each once. */
import type { AnswerMode, CompletionText, Judgment, UnparsableReason } from '../example.ts';
import { jsonFields } from './completion.ts';

/** A JSON string, and the colon that makes a field name of it. */
const stringToken = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

function unparsable(reason: UnparsableReason): Judgment {
  return { ok: false, reason };
}

/** JSON.parse keeps the last of two fields of one name; an answer that says two things has said nothing. */
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

/** Labels that are numbers may stand without quotes, in their shortest form: 3 for `3`. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? String(value) : undefined;
}

/** Never throws. `labels` undefined: any verdict. */
export function parseJson(
  { text, finishReason }: CompletionText,
  labels: readonly string[] | undefined,
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
  // Nested objects count here as well: none of the fields may be one.
  if (fieldCountOf(text) > names.length) return unparsable('verdict-repeated');
  const rationale = mode === 'think' ? answer[rationaleField] : '';
  if (typeof rationale !== 'string' || (mode === 'think' && rationale.trim() === '')) {
    return unparsable('rationale-missing');
  }
  const verdict = textOf(answer[verdictField]);
  if (verdict === undefined || (labels !== undefined && !labels.includes(verdict))) {
    return unparsable('verdict-not-a-label');
  }
  return { ok: true, verdict, rationale: rationale.trim() };
}
