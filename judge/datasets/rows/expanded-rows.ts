/** The rows that one row of a file stands for: itself, or one for each pair or image that it ranks. */
import type { DatasetOptions } from '../../../recipes/fields/dataset-options.ts';
import type { Row } from './jsonl-row.ts';
import { expandRanking } from './ranking.ts';
import { requireWhere } from './where.ts';

interface Expansion extends Pick<DatasetOptions, 'where' | 'ranking'> {
  readonly fields: { readonly id: string };
}

/** Throws UnusableRow for a row that is left out, or whose ranking cannot be expanded. */
export function expandedRows(row: Row, { where, ranking, fields }: Expansion): readonly Row[] {
  requireWhere(row, where);
  return ranking === undefined ? [row] : expandRanking(row, fields.id, ranking);
}
