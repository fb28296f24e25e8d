/** Parquet files with row groups larger than the memory limit of the reader. */
import { parquetMetadata } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { readParquet } from '../../judge/datasets/readers/parquet.ts';
import { partsOf } from '../../judge/datasets/readers/parquet-parts.ts';
import type { SourceFile } from '../../judge/datasets/sources/source-files.ts';
import { recipeOf } from './recipes.ts';
import { task } from '../support/source-fixtures.ts';

const mebibyte = 1024 * 1024;

/** A file in memory that records the size of each read. */
function fileOf(bytes: Uint8Array) {
  const asked: number[] = [];
  const file: SourceFile = {
    name: 'rows.parquet',
    byteLength: bytes.byteLength,
    async *open(start = 0, end = bytes.byteLength) {
      asked.push(end - start);
      yield await Promise.resolve(bytes.subarray(start, end));
    },
  };
  return { file, asked };
}

async function rowsOf(file: SourceFile, columns: readonly string[]) {
  const [id = '', ...prompt] = columns;
  const fields = { id, label: id, prompt };
  const dataset = {
    reader: 'parquet',
    task: 'holds',
    split: 'test',
    path: file.name,
    imageFolder: '.',
    fields,
  } as const;
  const spec = required(recipeOf({ tasks: { holds: task }, datasets: [dataset] }).datasets[0], 'a dataset');
  if (spec.reader !== 'parquet') throw new Error('the dataset is parquet');
  const rows = [];
  for await (const row of readParquet(file, spec)) rows.push(row);
  return rows;
}

/** One row group of `rowCount` rows, each with a picture of 256 KiB that starts with its number. */
function oneRowGroup(rowCount: number): Uint8Array {
  const rows = Array.from({ length: rowCount }, (_, i) => i);
  const pictures = rows.map((i) => {
    const picture = new Uint8Array(mebibyte / 4);
    new DataView(picture.buffer).setUint32(0, i);
    return picture;
  });
  const columnData = [
    { name: 'id', data: rows.map(String), type: 'STRING' },
    // Few distinct values, hence a dictionary.
    {
      name: 'label',
      data: rows.map((i) => (i % 3 === 0 ? null : ['no', 'yes'][i % 2])),
      type: 'STRING',
      nullable: true,
    },
    { name: 'picture', data: pictures, type: 'BYTE_ARRAY' },
  ] as const;
  const options = { rowGroupSize: rowCount, pageSize: mebibyte, codec: 'UNCOMPRESSED' } as const;
  return new Uint8Array(parquetWriteBuffer({ columnData: columnData.map((column) => ({ ...column })), ...options }));
}

/** Metadata of a row group of 200 MiB that contains a list of pictures. */
function listMetadata() {
  const pictures = [[new Uint8Array(9)], [new Uint8Array(9), new Uint8Array(9)]];
  const schema = [
    { name: 'root', num_children: 2 },
    { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    { name: 'pictures', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  ] as const;
  const columnData = [
    { name: 'id', data: ['a', 'b'] },
    { name: 'pictures', data: pictures },
  ];
  const metadata = parquetMetadata(parquetWriteBuffer({ columnData, schema: schema.map((each) => ({ ...each })) }));
  const chunk = required(metadata.row_groups[0]?.columns[1], 'the list');
  required(chunk.meta_data, 'its description').total_uncompressed_size = BigInt(200 * mebibyte);
  delete chunk.offset_index_offset;
  return { metadata, chunk };
}

describe('a row group above the memory limit', () => {
  test('is read in parts with the same rows, although it has no page index', async () => {
    const rowCount = 400;
    const bytes = oneRowGroup(rowCount);
    expect(parquetMetadata(new Uint8Array(bytes).buffer).row_groups).toHaveLength(1);
    const { file, asked } = fileOf(bytes);
    const rows = await rowsOf(file, ['id', 'label', 'picture']);
    expect(rows).toHaveLength(rowCount);
    const found = rows.map((row) => {
      if ('problem' in row) throw row.problem;
      const { id, label = null } = row.values;
      const picture = row.values['picture'] as Uint8Array;
      const number = new DataView(picture.buffer, picture.byteOffset).getUint32(0);
      return [id, label, number, picture.byteLength];
    });
    expect(found).toEqual(rows.map((_, i) => [String(i), i % 3 === 0 ? null : ['no', 'yes'][i % 2], i, mebibyte / 4]));
    expect(Math.max(...asked)).toBeLessThan(40 * mebibyte);
  });

  test('is refused with its size if a list column hides which page holds which row', () => {
    const { metadata, chunk } = listMetadata();
    const read = (...columns: string[]) => [...partsOf('rows.parquet', metadata, columns)].length;
    expect(() => read('id', 'pictures')).toThrow(
      expect.objectContaining({
        code: 'FILE_UNREADABLE',
        details: expect.objectContaining({
          found: expect.stringMatching(/row group 1 unpacks to 2097152\d\d bytes.*pictures\.list\.element/) as string,
        }) as object,
      }) as Error,
    );
    // Accepted if the recipe does not read the column, or if the file has an offset index.
    expect(read('id')).toBe(1);
    chunk.offset_index_offset = 4n;
    expect(read('id', 'pictures')).toBe(2);
  });

  test('is quarantined with its size if a single page exceeds the limit', async () => {
    const columnData = [
      { name: 'id', data: ['a'] },
      { name: 'picture', data: [new Uint8Array(129 * mebibyte)] },
    ];
    const { file } = fileOf(
      new Uint8Array(parquetWriteBuffer({ columnData, statistics: false, codec: 'UNCOMPRESSED' })),
    );
    const [row] = await rowsOf(file, ['id', 'picture']);
    expect(row).toMatchObject({
      problem: {
        code: 'ROW_UNREADABLE',
        message: expect.stringMatching(/a page of 1352\d+ bytes, more than 134217728/) as string,
      },
    });
  });
});
