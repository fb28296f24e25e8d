/** Real human votes from ../shared/data beside the checkout; skipped with a reason if they are missing. */
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { swapPair } from './swap-pair.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';
import { recipeOf } from './recipes.ts';

const data = path.resolve(fileURLToPath(import.meta.url), '../../../../shared/data/cue-conflict');
const { isMissing } = needSharedData('cue-conflict');

const rowsOf = (name: string): string => path.join(data, 'judgments', `${name}.jsonl`);
const tasks: RecipeInput['tasks'] = {
  shows: { kind: 'pointwise', labels: ['yes', 'no'], prompt: 'image <image> {{ statement }} {{ mode_word }}' },
  'which-shows': {
    kind: 'pairwise',
    labels: ['first', 'second'],
    prompt: '<image> <image> {{ caption }} {{ mode_word }}',
  },
};
type Jsonl = Extract<RecipeInput['datasets'][number], { reader: 'jsonl' }>;
const shared = { reader: 'jsonl', imageFolder: path.join(data, 'images') } as const;
const pointwise: Jsonl = {
  ...shared,
  task: 'shows',
  split: 'train',
  path: rowsOf('pointwise.train'),
  fields: { prompt: ['statement'] },
  labelMap: { true: 'yes', false: 'no' },
  rationale: "people {{ 'saw' if label == 'yes' else 'did not see' }} it",
};
const pairwise: Jsonl = {
  ...shared,
  task: 'which-shows',
  split: 'val',
  path: rowsOf('pairwise.val'),
  fields: { images: ['image_0', 'image_1'], label: { greaterOf: ['label_0', 'label_1'] }, prompt: ['caption'] },
};

const ingest = (datasets: RecipeInput['datasets'], rateMax = 0) => {
  const images = new Map<string, number>();
  const recipe = recipeOf({ tasks, datasets, quarantineRateMax: rateMax });
  return ingestDatasets(recipe, { image: (digest, bytes) => void images.set(digest, bytes.byteLength) }).then(
    (ingestion) => ({ ...ingestion, images }),
  );
};

describe.skipIf(isMissing)('real votes', () => {
  test('ingests all 1,484 rows of pointwise.train, half of them true, two per picture', async () => {
    const { examples, quarantined, images } = await ingest([pointwise]);
    expect(quarantined).toEqual([]);
    expect(examples).toHaveLength(1484);
    expect(examples.filter(({ label }) => label === 'yes')).toHaveLength(742);
    expect(new Set(examples.map(({ groupKey }) => groupKey)).size).toBe(images.size);
    expect(examples[0]?.rationale).toBe('people saw it');
    expect(examples[1]?.rationale).toBe('people did not see it');
  });

  test('labels pairs by the picture that more people recognised; train and val share no picture', async () => {
    const { examples, leaks } = await ingest([pointwise, pairwise]);
    const pairs = examples.filter(({ task }) => task === 'which-shows');
    expect(pairs).toHaveLength(100);
    const rows = readFileSync(pairwise.path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { human_share_0: number; human_share_1: number });
    for (const [i, { human_share_0: first, human_share_1: second }] of rows.entries()) {
      expect(pairs[i]?.label).toBe(first > second ? 'first' : 'second');
    }
    expect(pairs.map((pair) => swapPair(swapPair(pair, ['first', 'second']), ['first', 'second']))).toEqual(pairs);
    expect(leaks).toEqual([]);
  });

  test('quarantines broken copies of rows, each with its code, and keeps the good rows', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-votes-'));
    const file = path.join(folder, 'rows.jsonl');
    copyFileSync(rowsOf('pointwise.val'), file);
    const row = JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '') as Record<string, unknown>;
    const broken: readonly (readonly [string, unknown])[] = [
      ['DUPLICATE_ID', row],
      ['FIELD_MISSING', { ...row, id: 'b1', statement: undefined }],
      ['LABEL_UNKNOWN', { ...row, id: 'b2', label: 'truth' }],
      ['IMAGE_MISSING', { ...row, id: 'b3', image: 'cue_conflict/none.jpg' }],
      ['IMAGE_UNREADABLE', { ...row, id: 'b4', image: '../votes.jsonl' }],
    ];
    appendFileSync(file, broken.map(([, bad]) => `${JSON.stringify(bad)}\n`).join('') + '{"id": "b6"\n');
    // The folder above the images, so that a file that is not an image lies inside it.
    const dataset = { ...pointwise, path: file, imageFolder: data, fields: { ...pointwise.fields, images: ['image'] } };
    const inImages = readFileSync(file, 'utf8')
      .replaceAll('"image":"../', '"image":"')
      .replaceAll(/"image": ?"cue_conflict/g, '"image":"images/cue_conflict');
    rmSync(file);
    appendFileSync(file, inImages);
    const { examples, quarantined } = await ingest([dataset], 0.1);
    rmSync(folder, { recursive: true });
    expect(examples).toHaveLength(200);
    expect(quarantined.map(({ code, row: line }) => [code, line])).toEqual([
      ...broken.map(([code], i) => [code, 201 + i]),
      ['ROW_UNREADABLE', 206],
    ]);
  });
});
