/** Leaves out rows on purpose, by their values: answers that a labeller skipped, cancelled or rejected. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import { named } from '../../kinds/row-label.ts';
import { UnusableRow } from '../reading.ts';
import { textField, type Row, valueAt } from './jsonl-row.ts';

/** Throws UnusableRow LEFT_OUT, naming the field and its value. A row without the field stays. */
export function leaveOut(row: Row, rule: DatasetOptions['leaveOut']): void {
  for (const [name, values] of Object.entries(rule ?? {})) {
    if ((valueAt(row, name) ?? null) === null) continue;
    const text = textField(row, name);
    if (named(text, values.map(String)) !== undefined) throw new UnusableRow('LEFT_OUT', `${name} is ${text}`);
  }
}
