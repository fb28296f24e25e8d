/** Leaves out rows on purpose, by their values: answers that a labeller skipped, cancelled or rejected. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import { named } from '../../kinds/row-label.ts';
import { UnusableRow } from '../reading.ts';
import { textField, type Row, valueAt } from './jsonl-row.ts';

/** Throws UnusableRow LEFT_OUT, naming the field and its value. A row without the field stays. */
export function leaveOut(row: Row, rule: DatasetOptions['leaveOut']): void {
  const reason = leftOutBy(row, rule);
  if (reason !== undefined) throw new UnusableRow('LEFT_OUT', reason);
}

/** The field and its value that leave out the row, or the element of a row; undefined if none does. */
export function leftOutBy(row: Row, rule: DatasetOptions['leaveOut']): string | undefined {
  for (const [name, values] of Object.entries(rule ?? {})) {
    if ((valueAt(row, name) ?? null) === null) continue;
    const text = textField(row, name);
    if (named(text, values.map(String)) !== undefined) return `${name} is ${text}`;
  }
  return undefined;
}
