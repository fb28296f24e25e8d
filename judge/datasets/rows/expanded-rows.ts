/** The rows that one row of a file stands for: itself, one for each pair or image that it ranks, or one for each element of a list. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import { withDerived } from './derived-fields.ts';
import { listField, type Row, textField } from './jsonl-row.ts';
import { expandRanking } from './ranking.ts';
import { UnusableRow } from '../reading.ts';
import { requireWhere } from './where.ts';

interface Expansion extends Pick<DatasetOptions, 'derive' | 'where' | 'ranking' | 'each'> {
  readonly fields: { readonly id: string };
}

/** Throws UnusableRow for a row that is left out, or that cannot be expanded. */
export function expandedRows(given: Row, { derive, where, ranking, each, fields }: Expansion): readonly Row[] {
  const row = withDerived(given, derive);
  requireWhere(row, where);
  if (ranking !== undefined) return expandRanking(row, fields.id, ranking);
  if (each === undefined) return [row];
  const id = textField(row, fields.id);
  const elements = listField(row, each.list);
  if (elements.length === 0) throw new UnusableRow('FIELD_MISSING', `${each.list} is empty`);
  return elements.map((value, i) => ({
    ...row,
    [each.as]: value,
    [fields.id]: `${id}-${each.list}-${i}`,
  }));
}
