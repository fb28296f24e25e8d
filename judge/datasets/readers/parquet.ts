/** Reads parquet in parts of row groups: Hugging Face images ({bytes, path}), lists of them, plain binary columns. */
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, type RowGroup } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { MtrlError } from '../../../core/errors.ts';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { inOrder } from '../joining/in-order.ts';
import { UnusableRow } from '../reading.ts';
import { exactJson } from '../rows/exact-json.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { usedColumns } from './parquet-columns.ts';
import { ParquetFile } from './parquet-file.ts';
import { numberConverters } from './parquet-numbers.ts';
import { checkPages, type PageLocations } from './parquet-pages.ts';
import { type Part, partsOf } from './parquet-parts.ts';
import { keyField, numberedKey, type RowOrBroken, unreadable, valuesText } from './row.ts';
import { requirePlain } from './unpacked.ts';

/** Text that is not UTF-8 stays bytes, and is rejected where the field is used. Times are numbers. */
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
  // one text that is not JSON would cost the whole row group
  jsonFromBytes: (bytes: Uint8Array | undefined): unknown => {
    const text = parsers.stringFromBytes(bytes);
    try {
      return typeof text === 'string' ? exactJson(text) : text;
    } catch {
      return text;
    }
  },
};

/** More rows than bytes are usual: repeated values and small numbers take a fraction of a bit. */
const rowCountMaxPerByte = 4096;

async function metadataOf(file: ParquetFile, source: SourceFile): Promise<FileMetaData> {
  try {
    const metadata = await parquetMetadataAsync(file);
    const counts = metadata.row_groups.map(({ num_rows }) => Number(num_rows));
    // a corrupted file may claim any number of rows
    const rowCount = counts.reduce((sum, count) => sum + count, 0);
    if (counts.some((count) => count < 0) || rowCount > file.byteLength * rowCountMaxPerByte)
      throw new Error(`${rowCount} rows`);
    if (BigInt(rowCount) !== metadata.num_rows)
      throw new Error(`${rowCount} rows in row groups, ${metadata.num_rows.toString()} in all`);
    return metadata;
  } catch (error) {
    await requirePlain(source);
    throw unreadable(file.name, error);
  }
}

type Converters = ReturnType<typeof numberConverters>;
type Rows = Record<string, unknown>[] | UnusableRow;

/**
 * FILE_UNREADABLE without a valid footer, or with a row group too large to be held. If a part cannot be read, each of
 * its rows is broken.
 */
export async function* readParquet(
  source: SourceFile,
  spec: RowsSpec,
  taskFields: readonly string[] = [],
): AsyncGenerator<RowOrBroken> {
  const file = new ParquetFile(source);
  const metadata = await metadataOf(file, source);
  const columns = usedColumns(metadata, spec, taskFields);
  const converters = numberConverters(metadata);
  const shared = { file, metadata, columns, compressors, parsers, utf8: false, useOffsetIndex: true };
  const checks = new Map<RowGroup, Promise<PageLocations>>();
  const check = (group: RowGroup): Promise<PageLocations> => {
    const known = checks.get(group) ?? checkPages(file, metadata, group, columns);
    checks.set(group, known);
    return known;
  };
  const read = async ({ group, start, end }: Part): Promise<Rows> => {
    try {
      const found = await check(group);
      const pages = { pageLocationsByGroup: metadata.row_groups.map((each) => (each === group ? found : undefined)) };
      return columns.length === 0
        ? []
        : await parquetReadObjects({ ...shared, ...pages, rowStart: start, rowEnd: end });
    } catch (error) {
      if (error instanceof MtrlError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return new UnusableRow('ROW_UNREADABLE', `rows ${start + 1} to ${end} cannot be read: ${reason.slice(0, 200)}`);
    } finally {
      file.forget();
    }
  };
  // one part is read ahead, so that decoding overlaps with the use of the rows
  for await (const { part, rows } of inOrder(partsOf(file.name, metadata, columns), 2, async (part) => ({
    part,
    rows: await read(part),
  }))) {
    for (let row = part.start + 1; row <= part.end; row++)
      yield rowOf(file.name, row, rows, row - part.start - 1, converters);
  }
}

function rowOf(source: string, row: number, rows: Rows, at: number, converters: Converters): RowOrBroken {
  if (rows instanceof UnusableRow) return { source, row, text: () => '', problem: rows };
  const values: Record<string, unknown> = { [keyField]: numberedKey(source, row), ...rows[at] };
  for (const [name, convert] of converters) if (Object.hasOwn(values, name)) values[name] = convert(values[name]);
  // release values that have been used
  rows[at] = {};
  return { source, row, values, text: () => valuesText(values) };
}
