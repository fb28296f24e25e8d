/** A label from one row field: by thresholds, by map, or by its name. */
import { assert } from '../../core/assert.ts';
import { numberOf } from './label-numbers.ts';
import type { KindTask, LabelRule, RowLabel, RowValues, UnknownLabel } from './kind.ts';

const excerptLengthMax = 50;

/** A number by the dataset's thresholds, else text by its map or by the labels themselves. */
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

/** The one of the names that the text is or writes otherwise. */
function named(text: string, names: readonly string[]): string | undefined {
  if (names.includes(text)) return text;
  const code = canonical(text);
  return names.find((name) => canonical(name) === code);
}

/** `3`, `3.0` and ` 3 ` are one code. */
function canonical(text: string): string {
  const value = numberOf(text);
  return value === undefined ? text.trim() : String(value);
}
