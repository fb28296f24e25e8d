/** From a row's value to one of the task's labels: by name, by map, by thresholds, or by which of two numbers wins. */
import type { DatasetOptions, LabelField } from '../../../recipes/fields/dataset-options.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import { isWithin, nearestLabel, numberOf } from '../../tasks/label-numbers.ts';
import { textField, type Row } from './jsonl-row.ts';
import { UnusableRow } from '../reading.ts';

/** The parts of a dataset that decide its labels. */
export interface LabelRule extends Pick<DatasetOptions, 'labelMap' | 'labelThresholds'> {
  readonly fields: { readonly label: LabelField };
}

/** The parts of a task that labels are held against. */
type LabelledTask = Pick<TaskSpec, 'kind' | 'labels' | 'real'>;

export interface RowLabel {
  readonly label: string;
  /** The number that it was derived from, if any. */
  readonly score?: number;
}

const excerptLengthMax = 50;

function unknown(reason: string): UnusableRow {
  return new UnusableRow('LABEL_UNKNOWN', reason);
}

function numberField(row: Row, name: string): number {
  const text = textField(row, name);
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw unknown(`${name} is ${text.slice(0, excerptLengthMax)}, not a number`);
  return value;
}

/** The first picture's label when the first number wins; equal numbers tell nothing. */
function winnerOf(row: Row, field: Exclude<LabelField, string>, { labels }: LabelledTask): RowLabel {
  const [sign, [first, second]] = 'greaterOf' in field ? [1, field.greaterOf] : [-1, field.lesserOf];
  const difference = sign * (numberField(row, first) - numberField(row, second));
  if (difference === 0) throw unknown(`${first} and ${second} are equal`);
  return { label: difference > 0 ? labels[0] : labels[1] };
}

/** `3`, `3.0` and ` 3 ` are one code. */
function canonical(text: string): string {
  const value = numberOf(text);
  return value === undefined ? text.trim() : String(value);
}

/** The one of the names that the text is or writes otherwise. */
function named(text: string, names: readonly string[]): string | undefined {
  if (names.includes(text)) return text;
  const code = canonical(text);
  return names.find((name) => canonical(name) === code);
}

function byThreshold(value: number, thresholds: NonNullable<LabelRule['labelThresholds']>): string | undefined {
  const holds = ({ from = -Infinity, below = Infinity }: (typeof thresholds)[number]): boolean =>
    value >= from && value < below;
  return thresholds.find(holds)?.label;
}

function scoreLabel(name: string, value: number, { labels, real }: LabelledTask): RowLabel {
  const label = nearestLabel(value, labels);
  if (isWithin(value, labels) && (real === true || Number(label) === value)) return { label, score: value };
  const allowed =
    real === true ? `a number from ${labels[0]} to ${labels.at(-1) ?? ''}` : `one of ${labels.join(', ')}`;
  throw unknown(`${name} is ${value}, not ${allowed}`);
}

/** One of the task's labels and its underlying number. UnusableRow LABEL_UNKNOWN or FIELD_MISSING, with what was found. */
export function labelOf(row: Row, { fields, labelMap, labelThresholds }: LabelRule, task: LabelledTask): RowLabel {
  const name = fields.label;
  if (typeof name !== 'string') return winnerOf(row, name, task);
  if (labelThresholds !== undefined) {
    const score = numberField(row, name);
    const label = byThreshold(score, labelThresholds);
    if (label === undefined) throw unknown(`${name} is ${score}, between the thresholds`);
    return { label, score };
  }
  const keys = Object.keys(labelMap);
  if (task.kind === 'score' && keys.length === 0) return scoreLabel(name, numberField(row, name), task);
  const text = textField(row, name);
  const found = named(text, keys.length > 0 ? keys : task.labels);
  const label = found === undefined || keys.length === 0 ? found : labelMap[found];
  if (label !== undefined && task.labels.includes(label)) {
    return { label, ...(task.kind === 'score' && { score: Number(label) }) };
  }
  const allowed = (keys.length > 0 ? keys : task.labels).join(', ');
  throw unknown(`${name} is ${text.slice(0, excerptLengthMax)}, not one of ${allowed}`);
}
