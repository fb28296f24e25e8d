/** Cuts row groups into parts that fit in memory, since a file may have one row group of any size. */
import type { FileMetaData, RowGroup } from 'hyparquet';
import { getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { MtrlError } from '../../../core/errors.ts';
import { unreadable } from './row.ts';

/** Uncompressed bytes of a part, if the row group can be cut. */
const partByteLength = 32 * 1024 * 1024;
/** Rows of a part: packed well, they have few bytes, but each becomes an object. */
const partRowCount = 65_536;
/**
 * Maximum uncompressed bytes of a row group that cannot be cut: it is held compressed and uncompressed, and so is the
 * next one.
 */
const heldByteLengthMax = 128 * 1024 * 1024;

/** Rows [start, end) of the file, all of one row group. */
export interface Part {
  readonly group: RowGroup;
  readonly start: number;
  readonly end: number;
}

/**
 * Parts in the file's order. A row group is cut if the pages of all columns that are read can be located by row: those
 * of a column without lists, or with a page index. FILE_UNREADABLE, naming the row group, if one can be neither cut nor
 * held.
 */
export function* partsOf(file: string, metadata: FileMetaData, columns: readonly string[]): Generator<Part> {
  let start = 0;
  for (const [i, group] of metadata.row_groups.entries()) {
    const end = start + Number(group.num_rows);
    const byteLength = unpackedByteLength(group, columns);
    const lists = listsWithoutIndex(file, metadata, group, columns);
    if (lists.length > 0 && byteLength > heldByteLengthMax) throw tooLarge(file, i + 1, byteLength, lists);
    const partCount = lists.length > 0 ? 1 : Math.ceil(byteLength / partByteLength);
    const wholeRowCount = Math.max(1, Math.ceil((end - start) / Math.max(1, partCount)));
    const rowCount = lists.length > 0 ? wholeRowCount : Math.min(partRowCount, wholeRowCount);
    for (let from = start; from < end; from += rowCount)
      yield { group, start: from, end: Math.min(end, from + rowCount) };
    start = end;
  }
}

function unpackedByteLength({ columns: chunks }: RowGroup, columns: readonly string[]): number {
  return chunks.reduce((sum, { meta_data: chunk }) => {
    const isRead = chunk !== undefined && columns.includes(chunk.path_in_schema[0] ?? '');
    const byteLength = isRead ? Number(chunk.total_uncompressed_size) : 0;
    // A broken description may lack the number; the check of its pages then refuses the rows, one by one.
    return byteLength > 0 ? sum + byteLength : sum;
  }, 0);
}

function listsWithoutIndex(
  file: string,
  { schema }: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
): string[] {
  try {
    return group.columns.flatMap(({ meta_data: chunk, offset_index_offset: index }) => {
      if (chunk === undefined || index !== undefined || !columns.includes(chunk.path_in_schema[0] ?? '')) return [];
      const isList = getMaxRepetitionLevel(getSchemaPath(schema, chunk.path_in_schema)) > 0;
      return isList ? [chunk.path_in_schema.join('.')] : [];
    });
  } catch (error) {
    // a column that the schema does not have
    throw unreadable(file, error);
  }
}

function tooLarge(file: string, place: number, byteLength: number, lists: readonly string[]): MtrlError {
  return new MtrlError('FILE_UNREADABLE', 'a row group is too large', {
    where: file,
    found: `row group ${place} unpacks to ${byteLength} bytes, more than ${heldByteLengthMax}; ${lists.join(', ')} without a page index`,
    hint: 'rewrite it with smaller row groups or a page index (pyarrow: write_table(..., row_group_size=100, write_page_index=True))',
  });
}
