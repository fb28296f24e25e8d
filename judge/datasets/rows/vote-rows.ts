/** Joins adjacent rows that are votes on one item to one row, so that memory holds one item, whatever the file. */
import type { RowsSpec } from '../../../recipes/recipe.ts';
import type { Row, RowOrBroken } from '../readers/row.ts';
import { UnusableRow } from '../reading.ts';
import { withDerived } from './derived-fields.ts';
import { textField, valueAt } from './jsonl-row.ts';
import { groupedVotesField, voteCountMax } from './row-votes.ts';
import { leftOutBy } from './where.ts';

interface Item {
  readonly id: string;
  readonly first: Row;
  readonly votes: unknown[];
}

/**
 * The rows themselves, unless `fields.votes` says that each is a vote. Rows that are broken, left out or without an id
 * are passed on, for their own entries in the quarantine table; the rest become one row an item, at the place of its first.
 */
export async function* voteRows(
  rows: AsyncIterable<RowOrBroken>,
  spec: Pick<RowsSpec, 'fields' | 'where' | 'derive'>,
): AsyncGenerator<RowOrBroken> {
  const { votes: where } = spec.fields;
  if (typeof where !== 'object' || !('rows' in where)) {
    yield* rows;
    return;
  }
  let item: Item | undefined;
  for await (const row of rows) {
    const id = 'problem' in row ? undefined : idOf(row.values, spec);
    if (id === undefined || 'problem' in row) {
      yield row;
      continue;
    }
    const vote = valueAt(row.values, where.rows);
    if (item?.id === id) {
      // One more than a row may have, so that too many are noticed.
      if (item.votes.length <= voteCountMax) item.votes.push(vote);
      continue;
    }
    if (item !== undefined) yield rowOf(item);
    item = { id, first: row, votes: [vote] };
  }
  if (item !== undefined) yield rowOf(item);
}

/** Undefined for a row that does not become part of an item. */
function idOf(
  values: Row['values'],
  { fields, where, derive }: Pick<RowsSpec, 'fields' | 'where' | 'derive'>,
): string | undefined {
  try {
    const row = withDerived(values, derive);
    return leftOutBy(row, where) === undefined ? textField(row, fields.id) : undefined;
  } catch (error) {
    if (error instanceof UnusableRow) return undefined;
    throw error;
  }
}

function rowOf({ first, votes }: Item): Row {
  return { ...first, values: { ...first.values, [groupedVotesField]: votes } };
}
