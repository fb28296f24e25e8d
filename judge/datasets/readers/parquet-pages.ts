/**
 * Checks the page headers of a row group before anything is decoded: the decoder trusts them, and a changed byte may
 * claim billions of values.
 */
import type { ColumnChunk, FileMetaData, OffsetIndex, RowGroup } from 'hyparquet';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { ParquetFile } from './parquet-file.ts';
import { checkLevels, type PageLayout } from './parquet-levels.ts';

/** Lengths to try for a header: the first is usually enough, but statistics may make it longer. */
const headerByteLengths = [4 * 1024, 1024 * 1024];
/** Limit on a page, which is decoded as a whole. */
const pageByteLengthMax = 128 * 1024 * 1024;
/** Limit on the values of a list column, on average over its rows. */
const valueCountMaxPerRow = 4096;

type PageLocation = OffsetIndex['page_locations'][number];

interface PageHeader {
  readonly headerByteLength: number;
  readonly packedByteLength: number;
  readonly plainByteLength: number;
  /** Undefined for a dictionary page. */
  readonly layout: PageLayout | undefined;
  readonly valueCount: number;
}

function numberAt(struct: unknown, field: string): number {
  const value = (struct as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : NaN;
}

function parseHeader(bytes: Uint8Array): PageHeader {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const header: Readonly<Record<string, unknown>> = deserializeTCompactProtocol(reader);
  // parquet.thrift, PageHeader: 1 type, 2 and 3 sizes, 5 data page, 7 dictionary page, 8 data page of version 2
  return {
    headerByteLength: reader.offset,
    plainByteLength: numberAt(header, 'field_2'),
    packedByteLength: numberAt(header, 'field_3'),
    valueCount: numberAt(header['field_5'] ?? header['field_7'] ?? header['field_8'], 'field_1'),
    layout: numberAt(header, 'field_1') === 2 ? undefined : layoutOf(header),
  };
}

function layoutOf(header: Readonly<Record<string, unknown>>): PageLayout {
  const [first, second] = [header['field_5'], header['field_8']];
  const isFirst = numberAt(header, 'field_1') === 0;
  const page = isFirst ? first : second;
  return {
    version: isFirst ? 1 : 2,
    valueCount: numberAt(page, 'field_1'),
    nullCount: isFirst ? 0 : numberAt(page, 'field_2'),
    encoding: numberAt(page, isFirst ? 'field_2' : 'field_4'),
    definitionByteLength: isFirst ? 0 : numberAt(page, 'field_5'),
    repetitionByteLength: isFirst ? 0 : numberAt(page, 'field_6'),
    isPacked: (page as { readonly field_7?: unknown } | undefined)?.field_7 !== false,
  };
}

async function headerAt(file: ParquetFile, start: number, end: number): Promise<PageHeader> {
  for (const byteLength of headerByteLengths) {
    const bytes = await file.read(start, Math.min(end, start + byteLength));
    try {
      return parseHeader(bytes);
    } catch (error) {
      if (start + byteLength >= end) throw error;
    }
  }
  throw new Error('a page header is too long');
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function checkSizes(
  { packedByteLength, plainByteLength, valueCount, layout }: PageHeader,
  byteLengthLeft: number,
): void {
  if (plainByteLength > pageByteLengthMax)
    throw new Error(`a page of ${plainByteLength} bytes, more than ${pageByteLengthMax}: write smaller row groups`);
  if (!isWithin(packedByteLength, byteLengthLeft) || !isWithin(plainByteLength, pageByteLengthMax))
    throw new Error('a page has an impossible size');
  if (layout === undefined) return;
  const { nullCount, definitionByteLength, repetitionByteLength } = layout;
  if (!isWithin(nullCount, valueCount) || !isWithin(layout.valueCount, valueCount))
    throw new Error('a page has an impossible number of values');
  if (!isWithin(definitionByteLength, packedByteLength) || !isWithin(repetitionByteLength, packedByteLength))
    throw new Error('levels are longer than their page');
}

async function checkColumn(
  file: ParquetFile,
  schema: FileMetaData['schema'],
  chunk: Chunk,
  rowCount: number,
): Promise<readonly PageLocation[]> {
  const valueCount = Number(chunk.num_values);
  if (!isWithin(valueCount, rowCount * valueCountMaxPerRow)) throw new Error(`a column has ${valueCount} values`);
  const path = getSchemaPath(schema, chunk.path_in_schema);
  const maxima = { repetition: getMaxRepetitionLevel(path), definition: getMaxDefinitionLevel(path) };
  const dictionary = Number(chunk.dictionary_page_offset ?? 0n);
  const start = dictionary > 0 && dictionary < chunk.data_page_offset ? dictionary : Number(chunk.data_page_offset);
  const end = start + Number(chunk.total_compressed_size);
  if (!isWithin(start, file.byteLength) || !isWithin(end, file.byteLength))
    throw new Error('a column lies outside the file');
  await file.keep(start, end);
  const pages: PageLocation[] = [];
  let found = 0;
  for (let at = start; at < end && found < valueCount;) {
    const [pageStart, header] = [at, await headerAt(file, at, end)];
    at += header.headerByteLength;
    checkSizes(header, end - at);
    if (!isWithin(header.valueCount, valueCount - (header.layout === undefined ? 0 : found)))
      throw new Error('a page has too many values');
    const pageEnd = at + header.packedByteLength;
    if (header.layout !== undefined) {
      pages.push({
        offset: BigInt(pageStart),
        compressed_page_size: pageEnd - pageStart,
        first_row_index: BigInt(found),
      });
      found += header.valueCount;
      const bytes = await file.read(at, pageEnd);
      checkLevels(bytes, header.plainByteLength, chunk.codec, header.layout, maxima);
    }
    at = pageEnd;
  }
  if (found !== valueCount) throw new Error(`${found} of ${valueCount} values`);
  // in a list column, values are not rows
  return maxima.repetition === 0 ? pages : [];
}

type Chunk = NonNullable<ColumnChunk['meta_data']>;

/** Page locations by column path, for columns without lists. */
export type PageLocations = Readonly<Record<string, readonly PageLocation[]>>;

/**
 * Checks the pages of these columns and returns their locations. Throws a plain Error if they contradict the row group.
 */
export async function checkPages(
  file: ParquetFile,
  { schema }: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
): Promise<PageLocations> {
  const locations: Record<string, readonly PageLocation[]> = {};
  for (const { meta_data: chunk } of group.columns) {
    if (chunk === undefined) throw new Error('a column has no description');
    const [top = ''] = chunk.path_in_schema;
    if (!columns.includes(top)) continue;
    const pages = await checkColumn(file, schema, chunk, Number(group.num_rows));
    if (pages.length > 0) locations[chunk.path_in_schema.join('.')] = pages;
  }
  return locations;
}
