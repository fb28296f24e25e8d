/** Columns as one Parquet file: written whole, read by column. Other tools open it as it is. */
import { parquetRead } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { assert } from '../../core/assert.ts';

export type ColumnType = 'STRING' | 'INT32' | 'DOUBLE';

export interface Column {
  readonly type: ColumnType;
  /** null for no value. */
  readonly values: readonly (string | number | null)[];
}

/** Rows of a row group, which is the least that readers of other tools read. */
const groupRowCount = 4_096;

/** All columns are of equal length. */
export function parquetOf(columns: Readonly<Record<string, Column>>): Uint8Array {
  const counts = new Set(Object.values(columns).map(({ values }) => values.length));
  assert(counts.size === 1, `columns of ${[...counts].join(', ')} rows`);
  const columnData = Object.entries(columns).map(([name, { type, values }]) => ({ name, type, data: [...values] }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: groupRowCount }));
}

/** The values of these columns, in row order; their types are not checked. */
export async function columnsIn(
  bytes: Uint8Array,
  names: readonly string[],
): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const columns = Object.fromEntries(names.map((name): [string, unknown[]] => [name, []]));
  const { buffer, byteOffset, byteLength } = bytes;
  await parquetRead({
    file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
    columns: [...names],
    onChunk({ columnName, columnData, rowStart }) {
      const column = columns[columnName];
      for (let i = 0; i < columnData.length; i++) if (column) column[rowStart + i] = columnData[i] ?? null;
    },
  });
  return columns;
}
