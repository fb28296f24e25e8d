/** Text files as they come: compressed, in UTF-16, with absolute paths to their pictures. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { readers } from '../../judge/datasets/readers/table.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import type { RowsSpec } from '../../recipes/recipe.ts';
import { readRows } from '../../judge/datasets/read-rows.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tarOf } from '../support/archives.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-packed-'));
});

async function rowsOf(name: string, bytes: Uint8Array, reader: RowsSpec['reader']) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const spec = { reader, path, fields: {}, labelMap: {}, encoding: 'utf-8' } as unknown as RowsSpec;
  const rows: unknown[] = [];
  for await (const row of readers[reader](localFiles, spec))
    rows.push('problem' in row ? row.problem.code : row.values);
  return rows;
}

const plain = {
  jsonl: '{"id": "a"}\n{"id": "b"}\n',
  json: '[{"id": "a"}, {"id": "b"}]',
  csv: 'id,x\na,1\nb,2\n',
} as const;
/** `{"id": "a"}\n{"id": "b"}\n` as two Zstandard frames with a skippable frame between them (zstandard 0.25). */
const zstandard = Buffer.from(
  'KLUv/SAMYQAAeyJpZCI6ICJhIn0KUCpNGAQAAABhYmNkKLUv/SQMYQAAeyJpZCI6ICJiIn0KMkW1Mg==',
  'base64',
);

describe('compressed files are read by their content', () => {
  test.each(['jsonl', 'json', 'csv'] as const)(
    '%s in gzip, also in several members and under any name',
    async (reader) => {
      const text = Buffer.from(plain[reader]);
      const expected = [{ id: 'a' }, { id: 'b' }];
      const [start, rest] = [text.subarray(0, 7), text.subarray(7)];
      const members = Buffer.concat([gzipSync(start), gzipSync(rest)]);
      for (const [name, bytes] of [
        [`rows.${reader}.GZ`, gzipSync(text)],
        [`members.${reader}`, members],
      ] as const)
        expect(await rowsOf(name, bytes, reader)).toMatchObject(expected);
    },
  );

  test('Zstandard, in several frames', async () => {
    expect(await rowsOf('rows.jsonl.zst', zstandard, 'jsonl')).toMatchObject([{ id: 'a' }, { id: 'b' }]);
  });

  test('an archive', async () => {
    const entries = [{ name: 'a.json', bytes: Buffer.from('{"x": 1}') }];
    expect(await rowsOf('rows.TAR.GZ', gzipSync(await tarOf(entries)), 'tar')).toMatchObject([{ x: 1 }]);
  });

  test('tabs separate the values of a compressed .TSV', async () => {
    expect(await rowsOf('rows.TSV.gz', gzipSync('id\tx\na\t1,2\n'), 'csv')).toMatchObject([{ id: 'a', x: '1,2' }]);
  });

  test.each([
    ['a truncated gzip', gzipSync(Buffer.from(plain.jsonl)).subarray(0, 20), /unexpected end/],
    ['a truncated Zstandard', zstandard.subarray(0, zstandard.byteLength - 3), /unexpected EOF/],
    ['bzip2', Buffer.from('BZh91AY&SY'), /compressed with bzip2/],
    ['xz', Buffer.from('fd377a585a000004', 'hex'), /compressed with xz/],
    ['a zip archive', Buffer.from('PK\u0003\u0004abcdef'), /compressed with zip/],
  ])('%s is FILE_UNREADABLE', async (_, bytes, found) => {
    await expect(rowsOf('broken', bytes, 'jsonl')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      details: { found: expect.stringMatching(found) as unknown },
    });
  });

  test('parquet, whose pages have compression of their own, is refused with the reason', async () => {
    await expect(rowsOf('rows.parquet.gz', gzipSync(Buffer.from('PAR1')), 'parquet')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      details: { found: expect.stringContaining('compressed with gzip') as unknown },
    });
  });
});

test('JSON Lines and JSON in UTF-16, which PowerShell writes', async () => {
  for (const reader of ['jsonl', 'json'] as const) {
    const bytes = Buffer.from(`\uFEFF${plain[reader]}`, 'utf16le');
    expect(await rowsOf(`le.${reader}`, bytes, reader)).toMatchObject([{ id: 'a' }, { id: 'b' }]);
    expect(await rowsOf(`be.${reader}`, Buffer.from(bytes).swap16(), reader)).toMatchObject([{ id: 'a' }, { id: 'b' }]);
  }
});

test('an absolute path may name a picture inside the image folder, and no other', async () => {
  const picture = sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } });
  await writeFile(join(folder, 'a.png'), await picture.png().toBuffer());
  const paths = [join(folder, 'a.png'), `${folder}/../${folder.split('/').at(-1) ?? ''}/a.png`, '/etc/hostname'];
  const rows = paths.map((image, id) => JSON.stringify({ id, image, label: 'yes' })).join('\n');
  await writeFile(join(folder, 'absolute.jsonl'), rows);
  const recipe = parseRecipe({
    ...{ name: 'rows', policy: { config: './demo-config' } },
    tasks: { shows: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image> {{ mode_word }}' } },
    datasets: [
      {
        ...{ reader: 'jsonl', task: 'shows', split: 'test', path: join(folder, 'absolute.jsonl') },
        ...{ imageFolder: folder, fields: {} },
      },
    ],
    arms: { base: { objective: 'none', mode: 'direct' } },
  });
  const [dataset, task] = [recipe.datasets[0] as RowsSpec, recipe.tasks['shows']];
  if (task === undefined) throw new Error('no task');
  const outcomes: string[] = [];
  for await (const readings of readRows(dataset, task, localFiles, new Set()))
    outcomes.push(...readings.map(({ outcome }) => ('code' in outcome ? outcome.code : 'example')));
  expect(outcomes).toEqual(['example', 'IMAGE_MISSING', 'IMAGE_MISSING']);
});
