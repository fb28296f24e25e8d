/** The numbers of a row's candidates, by which a label is derived: in fields of their own, or in a list. */
import type { NumberFields } from '../../recipes/fields/dataset-options.ts';
import type { LabelRule, RowValues } from './kind.ts';

export interface CandidateNumbers {
  /** Greater is better. */
  readonly values: readonly number[];
  /** Where each is in the row. */
  readonly names: readonly string[];
}

export function isNumberFields(field: LabelRule['field']): field is NumberFields {
  return typeof field === 'object' && !('criteria' in field);
}

export function candidateNumbers(row: RowValues, field: NumberFields): CandidateNumbers {
  const [sign, fields] = 'greaterOf' in field ? [1, field.greaterOf] : [-1, field.lesserOf];
  const found = typeof fields === 'string' ? row.numbers(fields) : fields.map((name) => row.number(name));
  const names = typeof fields === 'string' ? found.map((_, i) => `${fields}.${i}`) : fields;
  return { values: found.map((value) => sign * value), names };
}
