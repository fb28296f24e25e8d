/** Derives a row's label from its values, by the rules of the task's kind. */
import type { DatasetOptions, LabelField } from '../../../recipes/fields/dataset-options.ts';
import type { KindedTask } from '../../../recipes/fields/task-fields.ts';
import type { RowLabel } from '../../kinds/kind.ts';
import { kindOf } from '../../kinds/table.ts';
import { listField, textField, type Row } from './jsonl-row.ts';
import { UnusableRow } from '../reading.ts';

/** The parts of a dataset that determine its labels. */
export interface LabelRule extends Pick<DatasetOptions, 'labelMap' | 'labelThresholds'> {
  readonly fields: { readonly label: LabelField };
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

function numbersField(row: Row, name: string): number[] {
  return listField(row, name).map((_, i) => numberField(row, `${name}.${i}`));
}

/**
 * The row's label and the number behind it, if any. UnusableRow LABEL_UNKNOWN, LEFT_OUT or FIELD_MISSING,
 * with what was found.
 */
export function labelOf(row: Row, { fields, ...rule }: LabelRule, task: KindedTask): RowLabel {
  const values = {
    text: (name: string) => textField(row, name),
    number: (name: string) => numberField(row, name),
    numbers: (name: string) => numbersField(row, name),
  };
  const field = fields.label;
  if (typeof field === 'object' && 'always' in field) return { label: field.always };
  const found = kindOf(task).labelOf(values, { field, ...rule }, task);
  if ('unknown' in found)
    throw found.isLeftOut === true ? new UnusableRow('LEFT_OUT', found.unknown) : unknown(found.unknown);
  return found;
}
