/** Parquet, one row group at a time: Hugging Face images ({bytes, path}), lists of them, plain binary columns. */
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { MtrlError } from '../../../core/errors.ts';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { UnusableRow } from '../reading.ts';
import { readBytes, type SourceFile } from '../source-files.ts';
import { checkPages } from './parquet-pages.ts';
import { keyField, numberedKey, type RowOrBroken, unreadable, valuesText } from './row.ts';

/** Row groups that unpack to more are read in parts, where the file has the index that this needs. */
const partByteLength = 64 * 1024 * 1024;

/** Text that is no UTF-8 stays bytes, and is found out where the field is used. Times are numbers. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined): unknown => {
    try {
      return bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return bytes;
    }
  },
  timestampFromMilliseconds: (millis: bigint): unknown => millis,
  timestampFromMicroseconds: (micros: bigint): unknown => micros,
  timestampFromNanoseconds: (nanos: bigint): unknown => nanos,
  dateFromDays: (days: number): unknown => days,
};

/** Rows [start, end) of the file, all of one row group. */
interface Part {
  readonly group: RowGroup;
  readonly start: number;
  readonly end: number;
}

function* partsOf({ row_groups: groups }: FileMetaData): Generator<Part> {
  let start = 0;
  for (const group of groups) {
    const { num_rows, total_byte_size, columns } = group;
    const end = start + Number(num_rows);
    const partCount = Math.ceil(Number(total_byte_size) / partByteLength);
    const isIndexed = columns.every(({ offset_index_offset }) => offset_index_offset !== undefined);
    const rowCount = isIndexed && partCount > 1 ? Math.ceil((end - start) / partCount) : end - start;
    for (let from = start; from < end; from += rowCount) {
      yield { group, start: from, end: Math.min(end, from + rowCount) };
    }
    start = end;
  }
}

/** Columns that the mapping asks for; all of them where a rationale may ask for any. */
function columnsOf({ schema }: FileMetaData, { fields, rationale }: RowsSpec): string[] {
  const top: string[] = [];
  let i = 1;
  const skip = (): void => {
    const { num_children = 0 } = schema[i++] ?? { num_children: 0 };
    for (let child = 0; child < num_children && i < schema.length; child++) skip();
  };
  while (i < schema.length) {
    top.push(schema[i]?.name ?? '');
    skip();
  }
  if (rationale !== undefined) return top;
  const asked = JSON.stringify(fields);
  return top.filter((name) => asked.includes(JSON.stringify(name).slice(1, -1)));
}

async function metadataOf(file: SourceFile, buffer: AsyncBuffer): Promise<FileMetaData> {
  try {
    const metadata = await parquetMetadataAsync(buffer);
    const counts = metadata.row_groups.map(({ num_rows }) => Number(num_rows));
    // what is broken may promise any number of rows
    const rowCount = counts.reduce((sum, count) => sum + count, 0);
    if (counts.some((count) => count < 0) || rowCount > file.byteLength) throw new Error(`${rowCount} rows`);
    if (BigInt(rowCount) !== metadata.num_rows)
      throw new Error(`${rowCount} rows in row groups, ${metadata.num_rows.toString()} in all`);
    return metadata;
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

/** FILE_UNREADABLE without a footer; rows of a row group that cannot be read are broken, each by itself. */
export async function* readParquet(file: SourceFile, spec: RowsSpec): AsyncGenerator<RowOrBroken> {
  const slice = async (start: number, end = file.byteLength): Promise<ArrayBuffer> => {
    const from = start < 0 ? file.byteLength + start : start;
    if (from < 0 || from > end || end > file.byteLength) throw new Error(`there are no bytes ${from} to ${end}`);
    return (await readBytes(file, from, end)).buffer;
  };
  const buffer: AsyncBuffer = { byteLength: file.byteLength, slice };
  const metadata = await metadataOf(file, buffer);
  const columns = columnsOf(metadata, spec);
  const shared = { file: buffer, metadata, columns, compressors, parsers, utf8: false, useOffsetIndex: true };
  for (const { group, start, end } of partsOf(metadata)) {
    let rows: Record<string, unknown>[] | UnusableRow;
    try {
      await checkPages(file, metadata, group, columns);
      rows = columns.length === 0 ? [] : await parquetReadObjects({ ...shared, rowStart: start, rowEnd: end });
    } catch (error) {
      if (error instanceof MtrlError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      rows = new UnusableRow('ROW_UNREADABLE', `rows ${start + 1} to ${end} cannot be read: ${reason.slice(0, 200)}`);
    }
    for (let row = start + 1; row <= end; row++) yield rowOf(file.name, row, rows, row - start - 1);
  }
}

function rowOf(source: string, row: number, rows: Record<string, unknown>[] | UnusableRow, at: number): RowOrBroken {
  if (rows instanceof UnusableRow) return { source, row, text: () => '', problem: rows };
  const values = { [keyField]: numberedKey(source, row), ...rows[at] };
  // the row group must not keep what has been used
  rows[at] = {};
  return { source, row, values, text: () => valuesText(values) };
}
