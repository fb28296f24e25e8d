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
  const mapped = Object.keys(labelMap);
  const allowed = mapped.length > 0 ? mapped : labels;
  const text = row.text(field);
  const found = named(text, allowed);
  const label = found === undefined || mapped.length === 0 ? found : labelMap[found];
  if (label !== undefined && labels.includes(label)) return { label };
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

/** Canonical form, in which `3`, `3.0` and ` 3 ` are equal, and `TRUE`, `True` and `true` are. */
function canonical(text: string): string {
  const value = numberOf(text);
  if (value !== undefined) return String(value);
  const trimmed = text.trim();
  return /^(true|false)$/i.test(trimmed) ? trimmed.toLowerCase() : trimmed;
}
