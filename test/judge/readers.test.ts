import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { constants, deflateRawSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tarOf, zipOf } from '../support/archives.ts';
import {
  csvOf,
  datasetOf,
  picture,
  rows,
  type SourceFixture,
  sourceFixtures,
  task,
  writePictures,
} from '../support/source-fixtures.ts';
import { recipeOf } from './recipes.ts';

type Dataset = RecipeInput['datasets'][number];
const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-readers-'));
let fixtures: SourceFixture[] = [];

beforeAll(async () => {
  await writePictures(folder);
  fixtures = await sourceFixtures();
  for (const { name, bytes } of fixtures) writeFileSync(path.join(folder, name), bytes);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function ingest(...datasets: Dataset[]) {
  const quarantined: QuarantinedRow[] = [];
  const images = new Map<string, Uint8Array>();
  const recipe = recipeOf({ tasks: { holds: task }, datasets, quarantineRateMax: 1 });
  const sink = {
    image: (digest: string, bytes: Uint8Array) => void images.set(digest, bytes),
    quarantined: (row: QuarantinedRow) => void quarantined.push(row),
  };
  const { examples, quarantinedCount } = await ingestDatasets(recipe, sink).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'DATASET_EMPTY') throw error;
    return { examples: [], quarantinedCount: quarantined.length };
  });
  return { examples, quarantined, images, rowCount: examples.length + quarantinedCount };
}

const fixture = (reader: string): SourceFixture =>
  required(
    fixtures.find((each) => each.reader === reader),
    reader,
  );
const dataset = (reader: string, change: object = {}): Dataset => ({
  ...datasetOf(fixture(reader), folder),
  ...change,
});

/** A dataset of a new file with these bytes, with the settings of the reader's fixture. */
function fileOf(reader: string, bytes: Uint8Array | string, change: object = {}): Dataset {
  const place = path.join(folder, `other-${fixture(reader).name}`);
  writeFileSync(place, bytes);
  return dataset(reader, { path: place, ...change });
}

describe('the same rows become the same examples', () => {
  test.each(['json', 'csv', 'parquet', 'tar', 'zip'])('from %s as from JSON Lines', async (reader) => {
    const [expected, found] = [await ingest(dataset('jsonl')), await ingest(dataset(reader))];
    expect(found.quarantined).toEqual([]);
    expect(found.examples).toEqual(expected.examples);
    expect([...found.images.keys()]).toEqual([...expected.images.keys()]);
  });

  test('from a folder with one sub-folder per class; hidden files are not rows, other files without a class are', async () => {
    const classes = path.join(folder, 'classes');
    writeFileSync(path.join(classes, '.DS_Store'), 'x');
    writeFileSync(path.join(classes, 'README'), 'x');
    const recipe = { ...task, prompt: '<image> {{ mode_word }}' };
    const found = await ingestDatasets(
      recipeOf({
        tasks: { holds: recipe },
        datasets: [
          { reader: 'folder', task: 'holds', split: 'test', path: classes, fields: { id: '__key__', label: 'class' } },
        ],
        quarantineRateMax: 1,
      }),
      { image: () => undefined },
    );
    expect(found.quarantined).toMatchObject([{ code: 'FIELD_MISSING', excerpt: 'README' }]);
    expect(found.examples.map(({ id, label }) => [id, label])).toEqual([
      ['holds/test/no/b.png', 'no'],
      ['holds/test/yes/a.png', 'yes'],
      ['holds/test/yes/c.png', 'yes'],
    ]);
  });

  test('from several shards, in order of their names, for any kind of pattern', async () => {
    mkdirSync(path.join(folder, 'shards/more'), { recursive: true });
    const shard = (name: string, id: string): void =>
      writeFileSync(path.join(folder, 'shards', name), JSON.stringify({ ...rows[0], id }));
    shard('b.jsonl', '2');
    shard('a.jsonl', '1');
    shard('more/c.jsonl', '3');
    shard('notes.txt', '4');
    const ids = async (pattern: string) =>
      (await ingest(dataset('jsonl', { path: path.join(folder, 'shards', pattern) }))).examples.map(({ id }) =>
        id.at(-1),
      );
    expect(await ids('*.jsonl')).toEqual(['1', '2']);
    expect(await ids('**/*.jsonl')).toEqual(['1', '2', '3']);
    expect(await ids('{b,notes}.{jsonl,txt}')).toEqual(['2', '4']);
    expect(await ids('?.jsonl')).toEqual(['1', '2']);
    await expect(ids('*.csv')).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  test('from an object whose members are rows, from nested fields, and from lists of images', async () => {
    const nested = { x: { info: { label: 'yes' }, caption: 'c', pictures: ['a.png', 'b.png'] }, y: 7 };
    const { examples, quarantined } = await ingest(
      fileOf('json', JSON.stringify(nested), {
        fields: { id: '__key__', label: 'info.label', prompt: ['caption'], images: ['pictures.1'] },
      }),
    );
    expect(examples).toMatchObject([{ id: 'holds/test/x', label: 'yes' }]);
    expect(quarantined).toMatchObject([{ row: 2, code: 'ROW_UNREADABLE' }]);
  });
});

describe('tables', () => {
  const header = ['id', 'label', 'caption', 'image'];

  test('quarantine ragged rows with their line and keep the others', async () => {
    const text = `${csvOf([header, Object.values(rows[0])])}\r\nb,no,too few\r\n\r\nc,no,caption,b.png,too many\r\n`;
    const { examples, quarantined } = await ingest(fileOf('csv', text));
    expect(examples).toHaveLength(1);
    expect(quarantined).toMatchObject([
      { row: 3, code: 'ROW_UNREADABLE', reason: '3 values for 4 columns' },
      { row: 5, code: 'ROW_UNREADABLE', reason: '5 values for 4 columns' },
    ]);
  });

  test('are decoded by the given encoding or a byte order mark, without guessing', async () => {
    const text = csvOf([header, Object.values(rows[1])]);
    const latin = Buffer.from(text, 'latin1');
    expect((await ingest(fileOf('csv', latin))).quarantined).toMatchObject([{ code: 'ROW_UNREADABLE' }]);
    for (const found of [
      await ingest(fileOf('csv', latin, { encoding: 'windows-1252' })),
      await ingest(fileOf('csv', Buffer.from(`\uFEFF${text}`, 'utf16le'))),
      await ingest(fileOf('csv', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16())),
    ]) {
      expect(found.examples[0]?.fields['caption']).toBe(rows[1].caption);
    }
  });

  test("are separated by tabs in files named .tsv, or by the recipe's delimiter", async () => {
    const place = path.join(folder, 'rows.tsv');
    const lines = [header, Object.values(rows[0])];
    writeFileSync(place, lines.map((line) => line.join('\t')).join('\n'));
    expect((await ingest(dataset('csv', { path: place }))).examples).toHaveLength(1);
    writeFileSync(place, [...lines, ['one', 'too', 'short']].map((line) => line.join('\t')).join('\n'));
    const [short] = (await ingest(dataset('csv', { path: place }))).quarantined;
    expect(short).toMatchObject({ code: 'ROW_UNREADABLE', excerpt: 'one\ttoo\tshort' });
    const semicolons = lines.map((line) => line.join(';')).join('\n');
    expect((await ingest(fileOf('csv', semicolons, { delimiter: ';' }))).examples).toHaveLength(1);
  });

  test('with a quote that never ends are FILE_UNREADABLE, because the rows cannot be determined', async () => {
    const text = 'id,label\n1,"2\n3,4\n';
    await expect(ingest(fileOf('csv', text))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('parquet', () => {
  const columns = (change: Record<string, unknown[]> = {}) =>
    Object.entries({
      id: ['a', 'b', 'c'],
      label: ['yes', 'no', 'yes'],
      caption: ['x', 'y', 'z'],
      image: ['a.png', 'b.png', 'c.png'],
      ...change,
    })
      .filter(([, data]) => data.length > 0)
      .map(([name, data]) => ({ name, data }));
  const parquet = (change: Record<string, unknown[]> = {}) =>
    fileOf('parquet', new Uint8Array(parquetWriteBuffer({ columnData: columns(change), rowGroupSize: 2 })));

  test.each([
    ['a missing column', { caption: [] }, ['FIELD_MISSING', 'FIELD_MISSING', 'FIELD_MISSING']],
    ['nulls', { caption: ['x', null, 'z'] }, ['FIELD_MISSING']],
    ['a wrong type', { label: [1.5, 2, 3] }, ['LABEL_UNKNOWN', 'LABEL_UNKNOWN', 'LABEL_UNKNOWN']],
    ['unicode', { caption: ['\u0000', '\u202e\ufeff', '🟥'.repeat(99)] }, []],
  ])('%s', async (_, change, codes) => {
    const { quarantined, rowCount } = await ingest(parquet(change));
    expect(quarantined.map(({ code }) => code)).toEqual(codes);
    expect(rowCount).toBe(3);
  });

  test('a corrupt page quarantines each row of its row group', async () => {
    const bytes = Buffer.from(fixture('parquet').bytes);
    // The first picture is in the first row group.
    const at = bytes.indexOf('\x89PNG', 'latin1');
    bytes.fill(0xff, at - 40, at);
    const { quarantined, examples, rowCount } = await ingest(fileOf('parquet', bytes));
    expect(rowCount).toBe(3);
    expect(quarantined.map(({ row, code }) => [row, code])).toEqual([
      [1, 'ROW_UNREADABLE'],
      [2, 'ROW_UNREADABLE'],
    ]);
    expect(examples.map(({ id }) => id)).toEqual(['holds/test/c']);
  });

  test('a file without its end is FILE_UNREADABLE', async () => {
    const { bytes } = fixture('parquet');
    for (const cut of [0, 3, bytes.byteLength - 9]) {
      await expect(ingest(fileOf('parquet', bytes.subarray(0, cut)))).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
      });
    }
  });
});

describe.each([
  ['tar', tarOf],
  ['zip', zipOf],
] as const)('%s', (reader, archiveOf) => {
  const sample = async (name: string, change: Partial<Record<'json' | 'png', Uint8Array>> = {}) => [
    { name: `${name}.json`, bytes: change.json ?? Buffer.from('{"label": "yes", "caption": "x"}') },
    { name: `${name}.png`, bytes: change.png ?? (await picture(9)) },
  ];
  const archive = async (...samples: (readonly { name: string; bytes: Uint8Array }[])[]) =>
    ingest(fileOf(reader, await archiveOf(samples.flat())));

  test('names that lead out, broken JSON and empty pictures quarantine only their own sample', async () => {
    const { quarantined, examples } = await archive(
      await sample('../../up'),
      await sample('a/good'),
      await sample('b/json', { json: Buffer.from('{') }),
      await sample('c/empty', { png: Buffer.alloc(0) }),
      [
        { name: 'd/second.png', bytes: await picture(1) },
        { name: 'd/second.png', bytes: await picture(2) },
      ],
      [{ name: '__MACOSX/a/._good.png', bytes: Buffer.from('x') }],
    );
    expect(examples.map(({ id }) => id)).toEqual(['holds/test/a/good']);
    expect(quarantined.map(({ code }) => code)).toEqual([
      'ROW_UNREADABLE',
      'ROW_UNREADABLE',
      'IMAGE_UNREADABLE',
      'ROW_UNREADABLE',
    ]);
    expect(quarantined[0]?.reason).toMatch(/leaves the archive/);
  });

  test('quarantines a sample that says the same thing twice', async () => {
    const { quarantined, examples } = await archive(
      await sample('a/good'),
      [...(await sample('b/twice')), { name: 'b/twice.json', bytes: Buffer.from('{"label": "no"}') }],
      await sample('c/both', { json: Buffer.from('{"label": "yes", "caption": "x", "png": 1}') }),
    );
    expect(examples.map(({ id }) => id)).toEqual(['holds/test/a/good']);
    expect(quarantined.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/a second \.json in one sample/),
      expect.stringMatching(/a file \.png and a field of the same name in the \.json/),
    ]);
  });

  test('a truncated archive is FILE_UNREADABLE, because the loss is unknown', async () => {
    const bytes = await archiveOf(await sample('a'));
    await expect(ingest(fileOf(reader, bytes.subarray(0, bytes.byteLength / 3)))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});

describe('a row with more images than its prompt has places', () => {
  test.each([
    [30, /30/],
    [65, /65 images, more than 64/],
  ])('%i images: quarantines the row and keeps the one beside it', async (imageCount, reason) => {
    const image = Array.from({ length: imageCount }, (_, i) => rows[i % 3]?.image);
    const lines = [rows[0], { ...rows[1], image }].map((row) => JSON.stringify(row)).join('\n');
    const { examples, quarantined } = await ingest(fileOf('jsonl', lines));
    expect(examples).toHaveLength(1);
    expect(quarantined).toMatchObject([
      { row: 2, code: 'PROMPT_INVALID', reason: expect.stringMatching(reason) as string },
    ]);
  });

  test('shows all of 30 images if the prompt has places for them', async () => {
    const image = Array.from({ length: 30 }, (_, i) => rows[i % 3]?.image);
    const many = { ...task, prompt: `${'<image> '.repeat(30)}{{ mode_word }}` };
    const place = path.join(folder, 'many.jsonl');
    writeFileSync(place, JSON.stringify({ ...rows[0], image }));
    const recipe = recipeOf({ tasks: { holds: many }, datasets: [dataset('jsonl', { path: place })] });
    const { examples } = await ingestDatasets(recipe, { image: () => undefined });
    expect(examples[0]?.images).toHaveLength(30);
  });
});

test.each(['jsonl', 'json', 'csv', 'parquet', 'tar', 'zip'])(
  'refuses an empty %s file instead of reading no rows',
  async (reader) => {
    const place = path.join(folder, `empty-${fixture(reader).name}`);
    writeFileSync(place, '');
    const recipe = recipeOf({ tasks: { holds: task }, datasets: [dataset(reader, { path: place })] });
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DATASET_EMPTY|FILE_UNREADABLE)$/) as string,
    });
  },
);

test('reads a zip with 10 GB of zeros in bounded memory, whatever size it declares', async () => {
  const block = deflateRawSync(Buffer.alloc(16 << 20), { finishFlush: constants.Z_FULL_FLUSH });
  const deflated = Buffer.concat([...Array<Buffer>(640).fill(block), deflateRawSync(Buffer.alloc(0))]);
  const before = process.resourceUsage().maxRSS;
  for (const claimedByteLength of [1000, 60 << 20]) {
    const zip = zipOf([{ name: 'a.png', bytes: new Uint8Array() }], { claimedByteLength, deflated });
    const { quarantined, rowCount } = await ingest(fileOf('zip', zip));
    expect(rowCount).toBe(1);
    expect(quarantined[0]?.reason).toMatch(/too many bytes/);
  }
  const kibibytes = process.resourceUsage().maxRSS - before;
  expect(kibibytes).toBeLessThan(512 * 1024);
});

test('does not unpack a zip that exceeds the limit or its declared size', async () => {
  const zeros = [{ name: 'a.png', bytes: Buffer.alloc(100 << 20) }];
  for (const [options, reason] of [
    [{}, /104857600 bytes, more than/],
    [{ claimedByteLength: 1000 }, /too many bytes/],
    [{ claimedByteLength: 0xfffffff0 }, /more than/],
  ] as const) {
    const { quarantined, rowCount } = await ingest(fileOf('zip', zipOf(zeros, options)));
    expect(rowCount).toBe(1);
    expect(quarantined[0]?.reason).toMatch(reason);
  }
});

test('follows links in a folder, but not to a folder that contains them', async () => {
  const [outside, images] = [path.join(folder, 'outside'), path.join(folder, 'linked')];
  mkdirSync(outside);
  mkdirSync(images);
  writeFileSync(path.join(outside, 'a.png'), 'a');
  symlinkSync(path.join(outside, 'a.png'), path.join(images, 'a.png'));
  symlinkSync(outside, path.join(images, 'more'));
  symlinkSync(images, path.join(images, 'again'));
  symlinkSync(images, path.join(outside, 'back'));
  const names: string[] = [];
  for await (const { name } of localFiles.list(images)) names.push(path.relative(images, name));
  expect(names).toEqual(['a.png', 'more/a.png']);
});
