/** From a JSON row to what a recipe's `fields` name in it. Every finding against the row is an UnusableRow. */
import type { JsonlSpec } from '../../recipes/recipe.ts';
import { UnusableRow } from './reading.ts';

export type Row = Readonly<Record<string, unknown>>;

/** One line of JSON Lines; a byte order mark before the first is let pass. */
export function parseRow(bytes: Uint8Array): Row {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UnusableRow('ROW_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnusableRow('ROW_UNREADABLE', 'the line is not a JSON object');
  }
  return value as Row;
}

/** The field as text. FIELD_MISSING when it is absent, null, or a list or object. */
export function textField(row: Row, name: string): string {
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${name}`);
  throw new UnusableRow('FIELD_MISSING', `${name} is not a text, a number, true or false`);
}

function numberField(row: Row, name: string): number {
  const text = textField(row, name);
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UnusableRow('LABEL_UNKNOWN', `${name} is ${text.slice(0, 50)}, not a number`);
  return value;
}

/** Which of the two scores is greater tells which picture people prefer; equal scores tell nothing. */
function greaterLabel(row: Row, [first, second]: readonly [string, string], labels: readonly [string, string]): string {
  const difference = numberField(row, first) - numberField(row, second);
  if (difference === 0) throw new UnusableRow('LABEL_UNKNOWN', `${first} and ${second} are equal`);
  return difference > 0 ? labels[0] : labels[1];
}

/** One of the task's labels, or LABEL_UNKNOWN. */
export function labelOf(row: Row, spec: JsonlSpec, labels: readonly [string, string]): string {
  const { label: field } = spec.fields;
  if (typeof field !== 'string') return greaterLabel(row, field.greaterOf, labels);
  const value = textField(row, field);
  const isMapped = Object.keys(spec.labelMap).length > 0;
  const label = isMapped ? spec.labelMap[value] : value;
  if (label !== undefined && labels.includes(label)) return label;
  const allowed = isMapped ? Object.keys(spec.labelMap) : labels;
  throw new UnusableRow('LABEL_UNKNOWN', `${field} is ${value.slice(0, 50)}, not one of ${allowed.join(', ')}`);
}
