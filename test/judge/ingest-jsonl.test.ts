import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { ingestDatasets, type Ingestion } from '../../judge/datasets/ingest.ts';
import { swapPair } from './swap-pair.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { recipeOf } from './recipes.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-jsonl-'));
const rowsFile = path.join(folder, 'rows.jsonl');
const tasks: RecipeInput['tasks'] = {
  shows: { kind: 'pointwise', labels: ['yes', 'no'], prompt: 'image <image> {{ statement }} {{ mode_word }}' },
  better: { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image> {{ caption }} {{ mode_word }}' },
};
type Jsonl = Extract<RecipeInput['datasets'][number], { reader: 'jsonl' }>;
const pointwise: Jsonl = {
  reader: 'jsonl',
  task: 'shows',
  split: 'test',
  path: rowsFile,
  imageFolder: folder,
  fields: { prompt: ['statement'] },
  labelMap: { true: 'yes', false: 'no' },
};
const pairwise: Jsonl = {
  ...pointwise,
  task: 'better',
  labelMap: {},
  fields: { images: ['image_0', 'image_1'], label: { greaterOf: ['label_0', 'label_1'] }, prompt: ['caption'] },
};

function picture(name: string, red: number): Promise<unknown> {
  const background = { r: red, g: 90, b: 30 };
  return sharp({ create: { width: 40, height: 40, channels: 3, background } })
    .jpeg()
    .toFile(path.join(folder, name));
}

beforeAll(async () => {
  await Promise.all([picture('a.jpg', 10), picture('b.jpg', 200), picture('other.jpg', 120)]);
  const noise = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 7919) % 251));
  const whole = await sharp(noise, { raw: { width: 96, height: 96, channels: 3 } })
    .jpeg()
    .toBuffer();
  writeFileSync(path.join(folder, 'cut.jpg'), whole.subarray(0, Math.floor(whole.byteLength / 2)));
  writeFileSync(path.join(folder, 'text.jpg'), 'this is no picture');
  mkdirSync(path.join(folder, 'folder.jpg'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function ingestLines(lines: string | Buffer, dataset: Jsonl = pointwise, rateMax = 1): Promise<Ingestion> {
  writeFileSync(rowsFile, lines);
  const recipe = recipeOf({ tasks, datasets: [dataset], quarantineRateMax: rateMax });
  return ingestDatasets(recipe, { image: () => undefined });
}

const good = { id: 'r0', statement: 'it shows a cat', label: true, image: 'a.jpg' };

/** The quarantine record of one row that is ingested beside a good one. */
async function quarantineOf(
  row: unknown,
  dataset: Jsonl = pointwise,
  goodRow: unknown = good,
): Promise<QuarantinedRow> {
  const line = typeof row === 'string' ? row : JSON.stringify(row);
  const { examples, quarantined } = await ingestLines(`${JSON.stringify(goodRow)}\n${line}\n`, dataset);
  expect(examples).toHaveLength(1);
  expect(quarantined).toHaveLength(1);
  return quarantined[0] as QuarantinedRow;
}

describe('quarantines an unusable row with its code', () => {
  test.each([
    ['not JSON', '{"id": "r1", ', 'ROW_UNREADABLE', /JSON/],
    ['no object', '[1, 2]', 'ROW_UNREADABLE', /not a JSON object/],
    ['no id', { ...good, id: undefined }, 'FIELD_MISSING', /no id/],
    ['a null field of the prompt', { ...good, id: 'r1', statement: null }, 'FIELD_MISSING', /no statement/],
    [
      'a list where text should be',
      { ...good, id: 'r1', statement: ['a'] },
      'PROMPT_INVALID',
      /a list or an object is printed/,
    ],
    ['no label', { ...good, id: 'r1', label: undefined }, 'FIELD_MISSING', /no label/],
    [
      'a label outside the map',
      { ...good, id: 'r1', label: 'maybe' },
      'LABEL_UNKNOWN',
      /maybe, not one of true, false/,
    ],
    ['a label that every object has', { ...good, id: 'r1', label: 'constructor' }, 'LABEL_UNKNOWN', /constructor/],
    ['no such image', { ...good, id: 'r1', image: 'gone.jpg' }, 'IMAGE_MISSING', /gone.jpg/],
    ['an image outside the folder', { ...good, id: 'r1', image: '../../etc/hosts' }, 'IMAGE_MISSING', /not inside/],
    ['a text file for an image', { ...good, id: 'r1', image: 'text.jpg' }, 'IMAGE_UNREADABLE', /text.jpg/],
    ['half an image', { ...good, id: 'r1', image: 'cut.jpg' }, 'IMAGE_UNREADABLE', /cut.jpg/],
    ['a folder for an image', { ...good, id: 'r1', image: 'folder.jpg' }, 'IMAGE_UNREADABLE', /folder.jpg/],
    ['an id that was there before', { ...good, label: false }, 'DUPLICATE_ID', /shows\/test\/r0/],
  ])('%s', async (_, row, code, reason) => {
    const found = await quarantineOf(row);
    expect(found).toMatchObject({ source: rowsFile, row: 2, code });
    expect(found.reason).toMatch(reason);
    expect(found.excerpt).toBe(typeof row === 'string' ? row : JSON.stringify(row));
  });

  test('bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${JSON.stringify(good)}\n{"id": "`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n'),
    ]);
    const { quarantined } = await ingestLines(bytes);
    expect(quarantined).toMatchObject([{ row: 2, code: 'ROW_UNREADABLE' }]);
  });

  test.each([
    ['a tie', { label_0: 0.5, label_1: 0.5 }, 'LABEL_UNKNOWN', /equal/],
    ['no number', { label_0: 'much', label_1: 0.5 }, 'LABEL_UNKNOWN', /not a number/],
    ['no score', { label_0: 1 }, 'FIELD_MISSING', /no label_1/],
  ])('%s between two pictures', async (_, scores, code, reason) => {
    const pictures = { caption: 'a cat', image_0: 'a.jpg', image_1: 'b.jpg' };
    const goodPair = { ...pictures, id: 'p0', label_0: 1, label_1: 0 };
    const found = await quarantineOf({ ...pictures, id: 'p1', ...scores }, pairwise, goodPair);
    expect(found).toMatchObject({ code });
    expect(found.reason).toMatch(reason);
  });

  test('a rationale with an undefined field or with tags of its own', async () => {
    const rationale = '{{ row.why }}';
    const reasoned = { ...good, why: 'whiskers' };
    const dataset = { ...pointwise, rationale };
    expect(await quarantineOf({ ...good, id: 'r1' }, dataset, reasoned)).toMatchObject({
      code: 'PROMPT_INVALID',
      reason: expect.stringMatching(/why is undefined/) as string,
    });
    const tagged = { ...good, id: 'r1', why: 'so </think> there' };
    expect(await quarantineOf(tagged, dataset, reasoned)).toMatchObject({
      code: 'PROMPT_INVALID',
      reason: expect.stringMatching(/rationale-repeated/) as string,
    });
  });

  test('an excerpt has at most 200 characters and splits none', async () => {
    const { excerpt } = await quarantineOf(`${'x'.repeat(199)}😀${'y'.repeat(100)}`);
    expect(excerpt.length).toBeLessThanOrEqual(200);
    expect(() => encodeURIComponent(excerpt)).not.toThrow();
    expect(excerpt).toBe('x'.repeat(199));
  });
});

describe('converts rows to examples', () => {
  test('with the digest of the image file, the mapped label, the prompt fields and the rationale', async () => {
    const row = { ...good, why: 'whiskers' };
    writeFileSync(rowsFile, `${JSON.stringify(row)}\n`);
    const stored = new Map<string, Uint8Array>();
    const dataset: Jsonl = { ...pointwise, rationale: '{{ row.why }} so {{ label }}' };
    const recipe = recipeOf({ tasks, datasets: [dataset] });
    const { examples } = await ingestDatasets(recipe, { image: (digest, bytes) => void stored.set(digest, bytes) });
    const [[digest, bytes] = ['', new Uint8Array()]] = [...stored];
    expect(sha256(bytes)).toBe(digest);
    expect(examples).toEqual([
      {
        id: 'shows/test/r0',
        task: 'shows',
        split: 'test',
        images: [digest],
        fields: { statement: 'it shows a cat' },
        label: 'yes',
        rationale: 'whiskers so yes',
        groupKey: digest,
      },
    ]);
  });

  test('with the greater score as the winner; swapping the pair keeps the preferred picture', async () => {
    const base = { caption: 'a cat', image_0: 'a.jpg', image_1: 'b.jpg' };
    const rows = [
      { ...base, id: 1, label_0: 0.9, label_1: 0.1 },
      { ...base, id: 2, label_0: 0, label_1: '1' },
    ];
    const { examples } = await ingestLines(rows.map((row) => JSON.stringify(row)).join('\n'), pairwise);
    expect(examples.map(({ id, label }) => [id, label])).toEqual([
      ['better/test/1', 'first'],
      ['better/test/2', 'second'],
    ]);
    expect(examples.map((pair) => swapPair(pair, ['first', 'second']).label)).toEqual(['second', 'first']);
  });

  test('with any line endings: CRLF, blank lines, no last LF, a byte order mark, U+2028 in a string', async () => {
    const rows = [good, { ...good, id: 'r1', statement: 'one\u2028two' }, { ...good, id: 'r2' }].map((row) =>
      JSON.stringify(row),
    );
    const { examples, quarantined } = await ingestLines(
      `\uFEFF${rows[0] ?? ''}\r\n\r\n  \n${rows[1] ?? ''}\n${rows[2] ?? ''}`,
    );
    expect(quarantined).toEqual([]);
    expect(examples.map(({ fields }) => fields['statement'])).toEqual([good.statement, 'one\u2028two', good.statement]);
  });

  test('in one group if they have the same group value', async () => {
    const rows = ['a.jpg', 'b.jpg'].map((image, i) => JSON.stringify({ ...good, id: i, image, object: 'cat-7' }));
    const { examples } = await ingestLines(rows.join('\n'), {
      ...pointwise,
      fields: { prompt: ['statement'], group: 'object' },
    });
    expect(examples.map(({ groupKey }) => groupKey)).toEqual(['cat-7', 'cat-7']);
  });

  test('and stores an image of many rows once', async () => {
    const rows = Array.from({ length: 80 }, (_, id) => JSON.stringify({ ...good, id }));
    writeFileSync(rowsFile, rows.join('\n'));
    const stored: string[] = [];
    const { examples } = await ingestDatasets(recipeOf({ tasks, datasets: [pointwise] }), {
      image: (digest) => void stored.push(digest),
    });
    expect(examples).toHaveLength(80);
    expect(stored).toHaveLength(1);
  });
});

describe('a whole dataset', () => {
  const train = path.join(folder, 'train.jsonl');

  test('lists an image in train and in test with its examples', async () => {
    const rows = [good, { ...good, id: 'r1', image: 'b.jpg' }];
    writeFileSync(train, rows.map((row) => JSON.stringify(row)).join('\n'));
    writeFileSync(rowsFile, JSON.stringify(good));
    const recipe = recipeOf({ tasks, datasets: [{ ...pointwise, split: 'train', path: train }, pointwise] });
    const { leaks, examples } = await ingestDatasets(recipe, { image: () => undefined });
    expect(leaks).toMatchObject([{ sha256: examples[0]?.images[0], examples: ['shows/train/r0', 'shows/test/r0'] }]);
  });

  test('fails if more rows are bad than the recipe allows, naming codes and the first row', async () => {
    const rows = [good, { ...good, id: 'r1' }, { ...good, id: 'r2', label: 'maybe' }]
      .map((row) => JSON.stringify(row))
      .join('\n');
    await expect(ingestLines(rows, pointwise, 0.34)).resolves.toMatchObject({ quarantined: [{ row: 3 }] });
    await expect(ingestLines(rows, pointwise, 0.3)).rejects.toMatchObject({
      code: 'DATASET_QUARANTINE_CEILING',
      details: { where: 'datasets[0]', found: expect.stringMatching(/1 LABEL_UNKNOWN; the first: .* row 3/) as string },
    });
  });

  test('reports a file without rows, and a trained task without data, as DATASET_EMPTY', async () => {
    await expect(ingestLines('\n')).rejects.toMatchObject({ code: 'DATASET_EMPTY', details: { where: 'datasets[0]' } });
    writeFileSync(rowsFile, JSON.stringify(good));
    const arms = {
      rl: { objective: 'rl', mode: 'think', stepCount: 1, optimizer: { learningRate: 1e-4 }, tasks: ['shows'] },
    } as const;
    const recipe = recipeOf({ tasks, datasets: [pointwise], arms: { rl: { ...arms.rl, tasks: ['shows'] } } });
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toMatchObject({
      code: 'DATASET_EMPTY',
      details: { where: 'arms.rl' },
    });
  });

  test('refuses supervised reasoning without rationales before any training', async () => {
    writeFileSync(rowsFile, JSON.stringify(good));
    const arms: RecipeInput['arms'] = {
      sft: { objective: 'sft', mode: 'think', stepCount: 1, optimizer: { learningRate: 1e-4 }, tasks: ['shows'] },
    };
    const recipe = recipeOf({ tasks, datasets: [{ ...pointwise, split: 'train' }], arms });
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toMatchObject({
      code: 'RECIPE_INVALID',
      details: { where: 'arms.sft.mode' },
    });
  });

  test.each([
    ['the rows', { path: path.join(folder, 'gone.jsonl') }],
    ['the image folder', { imageFolder: path.join(folder, 'gone') }],
    ['the rows, which are a folder', { path: folder }],
  ])('reports missing %s as FILE_MISSING', async (_, change) => {
    await expect(ingestLines(JSON.stringify(good), { ...pointwise, ...change })).rejects.toMatchObject({
      code: 'FILE_MISSING',
    });
  });

  test.each<[string, Partial<RecipeInput> & { datasets: RecipeInput['datasets'] }, string]>([
    ['a rationale that is not Jinja', { datasets: [{ ...pointwise, rationale: '{{ row.' }] }, 'datasets[0].rationale'],
    [
      'a label that no answer can carry',
      { datasets: [pointwise], tasks: { shows: { kind: 'pointwise', labels: ['yes ', 'no'], prompt: '<image>' } } },
      'tasks.shows.labels',
    ],
  ])('reports %s as RECIPE_INVALID with its path', async (_, parts, where) => {
    const recipe = recipeOf({ tasks, ...parts });
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toMatchObject({
      code: 'RECIPE_INVALID',
      details: { where },
    });
  });

  test('fails if the store fails, instead of quarantining the row', async () => {
    writeFileSync(rowsFile, JSON.stringify(good));
    const failing = { image: () => Promise.reject(new Error('the store is down')) };
    await expect(ingestDatasets(recipeOf({ tasks, datasets: [pointwise] }), failing)).rejects.toThrow(
      'the store is down',
    );
  });
});
