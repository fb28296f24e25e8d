/** Leaves out rows on purpose, by their values: answers that a labeller skipped, cancelled or rejected. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import type { Condition } from '../../../recipes/fields/where-field.ts';
import { named } from '../../kinds/row-label.ts';
import { UnusableRow } from '../reading.ts';
import { textField, type Row, valueAt } from './jsonl-row.ts';

const excerptLengthMax = 50;

/** Throws UnusableRow LEFT_OUT for the first condition that the row does not meet, naming the field and its value. */
export function requireWhere(row: Row, where: DatasetOptions['where']): void {
  const reason = leftOutBy(row, where);
  if (reason !== undefined) throw new UnusableRow('LEFT_OUT', reason);
}

/** The field and its value that leave out the row, or the element of a row; undefined if all conditions are met. */
export function leftOutBy(row: Row, where: DatasetOptions['where']): string | undefined {
  for (const [field, condition] of Object.entries(where ?? {})) {
    if (isMet(row, field, condition)) continue;
    return `${field} ${isPresent(row, field) ? `is ${excerptOf(row, field)}` : 'is absent'}`;
  }
  return undefined;
}

function isPresent(row: Row, field: string): boolean {
  return (valueAt(row, field) ?? null) !== null;
}

function isMet(row: Row, field: string, condition: Condition): boolean {
  if ('present' in condition) return isPresent(row, field) === condition.present;
  // A row without the field has none of the values.
  if (!isPresent(row, field)) return 'not' in condition;
  const text = textField(row, field);
  if ('not' in condition) return named(text, condition.not.map(String)) === undefined;
  if (Array.isArray(condition)) return named(text, condition.map(String)) !== undefined;
  const { from = -Infinity, below = Infinity } = condition as { readonly from?: number; readonly below?: number };
  const value = text.trim() === '' ? NaN : Number(text);
  return value >= from && value < below;
}

function excerptOf(row: Row, field: string): string {
  const value = valueAt(row, field);
  return typeof value === 'object' ? 'present' : textField(row, field).slice(0, excerptLengthMax);
}
