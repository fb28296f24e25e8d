/** Numbers keep what the file says, in every reader: integers of 64 bits, float32, decimals. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { exactJson } from '../../judge/datasets/rows/exact-json.ts';
import { readRowsToJudge } from '../../judge/datasets/rows/rows-to-judge.ts';
import { recipeOf } from './recipes.ts';

let folder = '';
let picture = new Uint8Array();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-numbers-'));
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
  picture = await sharp({ create: { width: 900, height: 900, channels: 3, background: 'teal', noise } })
    .png()
    .toBuffer();
});

const words = {
  kind: 'pointwise' as const,
  labels: ['yes', 'no'] as [string, string],
  prompt: '{{ words }} {{ mode_word }}',
};

async function ingested(name: string, bytes: Uint8Array | string, dataset: object, task: object = words) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const recipe = recipeOf({
    ...{ tasks: { reads: { ...words, ...task } }, quarantineRateMax: 1 },
    datasets: [
      {
        ...{ reader: name.split('.').at(-1) as 'csv', task: 'reads', split: 'test', path },
        ...{ fields: { images: [], prompt: ['words'] }, ...dataset },
      },
    ],
  });
  return ingestDatasets(recipe, { image: () => undefined });
}

/** Neighbours that one number of JavaScript stands for. */
const ids = ['9007199254740993', '9007199254740992', '-9223372036854775808', '18446744073709551615'];
const expected = ids.map((id) => `reads/test/${id}`);

describe('ids of 64 bits keep their digits', () => {
  test('in JSON, as numbers', async () => {
    const rows = ids.map((id) => `{"id": ${id}, "words": "w", "label": "yes"}`);
    for (const [name, text] of [
      ['ids.jsonl', rows.join('\n')],
      ['ids.json', `[${rows.join(',')}]`],
    ] as const)
      expect((await ingested(name, text, {})).examples.map(({ id }) => id)).toEqual(expected);
  });

  test('in CSV and in parquet', async () => {
    const csv = ['id,words,label', ...ids.map((id) => `${id},w,yes`)].join('\n');
    expect((await ingested('ids.csv', csv, {})).examples.map(({ id }) => id)).toEqual(expected);
    const columnData = [
      { name: 'id', data: ids.slice(0, 3).map(BigInt), type: 'INT64' as const },
      { name: 'words', data: ['w', 'w', 'w'] },
      { name: 'label', data: ['yes', 'no', 'yes'] },
    ];
    const parquet = new Uint8Array(parquetWriteBuffer({ columnData }));
    expect((await ingested('ids.parquet', parquet, {})).examples.map(({ id }) => id)).toEqual(expected.slice(0, 3));
  });

  test('as values of a label map, and as fields of a prompt', async () => {
    const rows = ids.slice(0, 2).map((code, i) => `{"id": ${i}, "words": ${code}, "label": ${code}}`);
    const labelMap = { [ids[0] ?? '']: 'yes', [ids[1] ?? '']: 'no' };
    const { examples } = await ingested('labels.jsonl', rows.join('\n'), { labelMap });
    expect(examples.map(({ label, fields }) => [label, fields['words']])).toEqual([
      ['yes', ids[0]],
      ['no', ids[1]],
    ]);
  });

  test('in rows to judge', async () => {
    const file = join(folder, 'judge.jsonl');
    await writeFile(file, ids.map((id) => `{"id": ${id}, "words": ${id}}`).join('\n'));
    const source = {
      file,
      imageFolder: folder,
      task: 'reads',
      spec: { ...words, ood: false },
      modeWords: { think: 't', direct: 'd' },
    };
    const found: unknown[] = [];
    for await (const { outcome } of readRowsToJudge(source))
      found.push('example' in outcome ? outcome.example.fields['words'] : outcome);
    expect(found).toEqual(ids);
  });

  test('and JSON is otherwise read as ever', () => {
    for (const text of [
      '{"a": 1.12345678901234567, "b": [1e400, -0, 12345678901234567e2], "a": "1234567890123456789"}',
    ])
      expect(exactJson(text)).toEqual(JSON.parse(text));
    expect(exactJson('[12345678901234567890]')).toEqual([12345678901234567890n]);
    expect(exactJson(`[${'9'.repeat(200)}]`)).toEqual([1e200]);
    expect(() => exactJson('{"id": 12345678901234567890,}')).toThrow(SyntaxError);
  });
});

describe('a float32 column holds the numbers that people see', () => {
  const columnData = [
    { name: 'id', data: ['a', 'b', 'c'] },
    { name: 'words', data: ['w', 'w', 'w'] },
    { name: 'score', data: [0.7, 0.1, 0.3], type: 'FLOAT' as const },
  ];
  const bytes = () => new Uint8Array(parquetWriteBuffer({ columnData }));

  test('at thresholds: 0.7 is not below 0.7', async () => {
    const labelThresholds = [
      { label: 'yes', from: 0.7 },
      { label: 'no', below: 0.7 },
    ];
    const dataset = { fields: { images: [], prompt: ['words'], label: 'score' }, labelThresholds };
    const { examples } = await ingested('float.parquet', bytes(), dataset);
    expect(examples.map(({ label, score }) => [label, score])).toEqual([
      ['yes', 0.7],
      ['no', 0.1],
      ['no', 0.3],
    ]);
  });

  test('in label maps, prompts and conditions', async () => {
    const dataset = {
      ...{ fields: { images: [], prompt: ['words', 'score'], label: 'score' } },
      ...{ labelMap: { '0.7': 'yes', '0.1': 'no' }, where: { score: { not: [0.3] } } },
    };
    const task = { prompt: '{{ words }} {{ score }} {{ mode_word }}' };
    const { examples } = await ingested('map.parquet', bytes(), dataset, task);
    expect(examples.map(({ label, fields }) => [label, fields['score']])).toEqual([
      ['yes', '0.7'],
      ['no', '0.1'],
    ]);
  });
});

describe('parquet columns that the recipe does not name', () => {
  const rowCount = 6;
  const columnData = () => [
    { name: 'id', data: Array.from({ length: rowCount }, (_, i) => `r${i}`) },
    { name: 'words', data: Array.from({ length: rowCount }, () => 'w') },
    { name: 'label', data: Array.from({ length: rowCount }, () => 'yes') },
    { name: 'why', data: Array.from({ length: rowCount }, (_, i) => `reason ${i}`) },
    { name: 'seen', data: Array.from({ length: rowCount }, (_, i) => BigInt(i) + 2n ** 60n), type: 'INT64' as const },
    { name: 'at', data: Array.from({ length: rowCount }, () => new Date(0)), type: 'TIMESTAMP' as const },
    { name: 'photo', data: Array.from({ length: rowCount }, () => picture), type: 'BYTE_ARRAY' as const },
  ];
  const bytes = () => new Uint8Array(parquetWriteBuffer({ columnData: columnData() }));

  test.each(['{{ row.why }}', "{{ row['why'] }}", '{{ row["why"] }}{% if row.seen == 1 %}never{% endif %}'])(
    'are not read for a rationale: %s',
    async (rationale) => {
      const { examples, quarantined } = await ingested('why.parquet', bytes(), { rationale });
      expect(quarantined).toEqual([]);
      expect(examples.map((example) => example.rationale)).toEqual(
        Array.from({ length: rowCount }, (_, i) => `reason ${i}`),
      );
    },
  );

  test('do not break or slow a rationale that may use any: pictures of megabytes, times and large integers', async () => {
    const rationale = '{% for name in row %}{% if name == "why" %}{{ row[name] }}{% endif %}{% endfor %}';
    const { examples } = await ingested('any.parquet', bytes(), { rationale });
    expect(examples.map((example) => example.rationale)).toContain('reason 5');
    // Copied into template values byte by byte, six such pictures would take longer than a test may.
    expect(picture.byteLength).toBeGreaterThan(1_000_000);
  });

  test('are read for a ranking, whose lists no other field names', async () => {
    const files = ['a.png', 'b.png'];
    for (const file of files) await writeFile(join(folder, file), picture);
    const ranked = [
      { name: 'id', data: ['r'] },
      { name: 'words', data: ['w'] },
      { name: 'shown', data: [files] },
      { name: 'places', data: [[2, 1]] },
    ];
    const dataset = {
      imageFolder: folder,
      fields: { images: ['image_0', 'image_1'], label: { lesserOf: ['rank_0', 'rank_1'] }, prompt: ['words'] },
      ranking: { images: 'shown', ranks: 'places', to: 'pairs' },
    };
    const task = {
      kind: 'pairwise',
      labels: ['first', 'second'],
      prompt: '<image> <image> {{ words }} {{ mode_word }}',
    };
    const parquet = new Uint8Array(parquetWriteBuffer({ columnData: ranked }));
    const { examples } = await ingested('ranked.parquet', parquet, dataset, task);
    expect(examples.map(({ id, label }) => [id, label])).toEqual([['reads/test/r-0-1', 'second']]);
  });
});

test('a parquet file of more rows than bytes is read', async () => {
  const rowCount = 20_000;
  const columnData = [
    { name: 'words', data: Array.from({ length: rowCount }, () => 'w') },
    { name: 'label', data: Array.from({ length: rowCount }, () => 'yes') },
  ];
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: rowCount }));
  expect(bytes.byteLength).toBeLessThan(rowCount);
  const { examples } = await ingested('many.parquet', bytes, {
    fields: { id: '__key__', images: [], prompt: ['words'] },
  });
  expect(examples).toHaveLength(rowCount);
});

test('a set without examples names the commonest reasons and a row', async () => {
  const rows = ['{"id": 1, "words": "w", "label": "maybe"}', '{"id": 2, "words": "w", "label": "maybe"}', '{'];
  await expect(ingested('none.jsonl', rows.join('\n'), {})).rejects.toMatchObject({
    code: 'DATASET_EMPTY',
    message: 'no example of task reads in split test: of 3 rows, 2 LABEL_UNKNOWN, 1 ROW_UNREADABLE',
    details: { found: expect.stringContaining('none.jsonl row 1: label is maybe, not one of yes, no') as unknown },
  });
});
