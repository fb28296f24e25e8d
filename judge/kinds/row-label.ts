/** Derives a label from one row field: by thresholds, by a label map, or by the label's name. */
import { assert } from '../../core/assert.ts';
import { numberOf } from './label-numbers.ts';
import type { KindTask, LabelRule, RowLabel, RowValues, UnknownLabel } from './kind.ts';

const excerptLengthMax = 50;

/** The label by `labelThresholds` if there are any, else by `labelMap`, else the label that the text names. */
export function labelOfField(
  row: RowValues,
  { field, labelMap, labelThresholds }: LabelRule,
  { labels }: KindTask,
): RowLabel | UnknownLabel {
  assert(typeof field === 'string', 'one label field');
  if (labelThresholds !== undefined) return byThreshold(row.number(field), field, labelThresholds);
  const text = row.text(field);
  const mapped = Object.keys(labelMap);
  const found = named(text, mapped);
  if (found !== undefined && labelMap[found] === null)
    return { unknown: `${field} is ${text.slice(0, excerptLengthMax)}`, isLeftOut: true };
  // A map that only leaves values out says nothing about the others.
  const isNamed = mapped.every((name) => labelMap[name] === null);
  const label = isNamed ? named(text, labels) : found === undefined ? undefined : labelMap[found];
  if (typeof label === 'string' && labels.includes(label)) return { label };
  const allowed = isNamed ? labels : mapped;
  return { unknown: `${field} is ${text.slice(0, excerptLengthMax)}, not one of ${allowed.join(', ')}` };
}

function byThreshold(
  score: number,
  field: string,
  thresholds: NonNullable<LabelRule['labelThresholds']>,
): RowLabel | UnknownLabel {
  const found = thresholds.find(({ from = -Infinity, below = Infinity }) => score >= from && score < below);
  return found === undefined
    ? { unknown: `${field} is ${score}, between the thresholds` }
    : { label: found.label, score };
}

/** The name that equals the text of a row, exactly or in canonical form. */
export function named(text: string, names: readonly string[]): string | undefined {
  if (names.includes(text)) return text;
  const code = canonical(text);
  return names.find((name) => canonical(name) === code);
}

/** Two of the names that are the same value of a row; undefined if all differ. */
export function sameName(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const code = canonical(name);
    const earlier = seen.get(code);
    if (earlier !== undefined) return [earlier, name];
    seen.set(code, name);
  }
  return undefined;
}

/** Canonical form, in which `3`, `3.0` and ` 3 ` are equal, and `TRUE`, `True` and `true` are. */
function canonical(text: string): string {
  const trimmed = text.trim();
  // A number type would make equal ids of different ones.
  if (/^[+-]?\d+$/.test(trimmed)) return String(BigInt(trimmed));
  const value = numberOf(text);
  if (value !== undefined) return String(value);
  return /^(true|false)$/i.test(trimmed) ? trimmed.toLowerCase() : trimmed;
}
