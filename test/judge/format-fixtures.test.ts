/**
 * Files in the formats that teams use, from ../shared/data beside the checkout; skipped with a reason if they are
 * missing.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';
import { recipeOf } from './recipes.ts';

const data = path.resolve(fileURLToPath(import.meta.url), '../../../../shared/data');
const { isMissing } = needSharedData('format-fixtures');

const tasks: RecipeInput['tasks'] = {
  holds: {
    kind: 'pointwise',
    labels: ['true', 'false'],
    prompt: '<image> {{ text }} {{ mode_word }}',
  },
  drawn: { kind: 'pointwise', labels: ['true', 'false'], prompt: '<image> {{ sentence }} {{ mode_word }}' },
  better: { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image> {{ caption }} {{ mode_word }}' },
  words: { kind: 'pointwise', labels: ['low', 'high'], prompt: 'is it high ? {{ mode_word }}' },
};
type Dataset = RecipeInput['datasets'][number];
const file = (name: string): string => path.join(data, name);

async function counts(dataset: Dataset) {
  const images = new Set<string>();
  const recipe = recipeOf({ tasks, datasets: [dataset], quarantineRateMax: 1 });
  const result = await ingestDatasets(recipe, { image: (digest) => void images.add(digest) });
  const labels: Record<string, number> = {};
  for (const { label } of result.examples) labels[label] = (labels[label] ?? 0) + 1;
  return { ...result, labels, imageCount: images.size };
}

const truth = { 1: 'true', 0: 'false' };
const nlvr = { task: 'holds', split: 'test' } as const;

describe.skipIf(isMissing)('files in common formats', () => {
  test('images as {bytes, path}: all 60 rows, integer labels', async () => {
    const { examples, labels, quarantined } = await counts({
      ...{ ...nlvr, reader: 'parquet', path: file('format-fixtures/hf_image_pointwise.parquet'), labelMap: truth },
      fields: { id: '__key__', prompt: ['text'] },
    });
    expect(quarantined).toEqual([]);
    expect(examples).toHaveLength(60);
    expect(Object.keys(labels).sort()).toEqual(['false', 'true']);
  });

  test('lists of images; the mark <image> in a text is a quarantine reason, not a crash', async () => {
    const easy: Extract<Dataset, { reader: 'parquet' }> = {
      ...nlvr,
      reader: 'parquet',
      path: file('format-fixtures/easyr1_images_list.parquet'),
      fields: { id: '__key__', images: ['images'], label: 'answer' },
    };
    const prompt = '<image> ? {{ mode_word }}';
    const without = recipeOf({
      tasks: { holds: { ...tasks['holds'], kind: 'pointwise', labels: ['true', 'false'], prompt } },
      datasets: [easy],
    });
    const { examples } = await ingestDatasets(without, { image: () => undefined });
    expect(examples).toHaveLength(60);
    const marked = { ...easy, fields: { ...easy.fields, prompt: ['problem'] } };
    const codes: string[] = [];
    const sink = { image: () => undefined, quarantined: ({ code }: QuarantinedRow) => void codes.push(code) };
    const recipe = recipeOf({ tasks, datasets: [marked], quarantineRateMax: 1 });
    await expect(ingestDatasets(recipe, sink)).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    expect(codes).toEqual(Array.from({ length: 60 }, () => 'PROMPT_INVALID'));
  });

  test('the same images and labels from parquet, tar or JSON Lines with RGBA files', async () => {
    const fields = { id: '__key__', prompt: ['text'] };
    const parquet = await counts({
      ...{ ...nlvr, reader: 'parquet', path: file('format-fixtures/hf_image_pointwise.parquet'), labelMap: truth },
      fields,
    });
    const tar = await counts({
      ...{ ...nlvr, reader: 'tar', path: file('format-fixtures/webdataset-{000000,000001}.tar') },
      fields: { ...fields, images: ['png'] },
    });
    const content = ({ examples }: typeof tar) =>
      examples.map(({ images, label, fields: { text } }) => [images, label, text]);
    expect(tar.examples).toHaveLength(60);
    expect(content(tar)).toEqual(content(parquet));
  });

  test('pairs: a constant label as published, and scores of which the greater wins', async () => {
    const pair = { reader: 'parquet', task: 'better', split: 'test' } as const;
    const byCode = await counts({
      ...{ ...pair, path: file('format-fixtures/mjbench_pairwise.parquet'), labelMap: { 0: 'first', 1: 'second' } },
      fields: { id: '__key__', images: ['image0', 'image1'], prompt: ['caption'] },
    });
    const byScore = await counts({
      ...{ ...pair, path: file('format-fixtures/pickapic_binary_cols.parquet') },
      fields: {
        id: '__key__',
        images: ['jpg_0', 'jpg_1'],
        label: { greaterOf: ['label_0', 'label_1'] },
        prompt: ['caption'],
      },
    });
    for (const { examples, labels, imageCount } of [byCode, byScore]) {
      expect(examples).toHaveLength(40);
      expect(labels).toEqual({ first: 40 });
      expect(imageCount).toBe(byCode.imageCount);
    }
  });

  test('NLVR: RGBA pictures beside rows with the labels "true" and "false" as text', async () => {
    const { examples, quarantined, labels } = await counts({
      ...{ ...nlvr, task: 'drawn', reader: 'jsonl', path: file('nlvr/dev.jsonl'), imageFolder: file('nlvr') },
      fields: { id: '__key__', images: ['images'], prompt: ['sentence'] },
    });
    expect(quarantined).toEqual([]);
    expect(examples).toHaveLength(989);
    expect(labels).toEqual({ true: 547, false: 442 });
  });

  test('every label file: each row is an example or quarantined', async () => {
    const set = (reader: 'json' | 'jsonl' | 'csv', name: string, rest: object): Dataset =>
      ({ reader, task: 'words', split: 'test', path: file(`text-label-sets/${name}`), ...rest }) as Dataset;
    const fields = { id: '__key__', images: [] };
    const labelThresholds = [
      { label: 'low', below: 3 },
      { label: 'high', from: 3 },
    ];
    const datasets: readonly (readonly [Dataset, number])[] = [
      [set('jsonl', 'mjbench_alignment_labels.jsonl', { fields, labelMap: { 0: 'low', 1: 'high' } }), 916],
      [set('json', 'tifa_human_annotations.json', { fields: { ...fields, label: 'human_avg' }, labelThresholds }), 800],
      [set('json', 'imagereward_test.json', { fields: { ...fields, label: 'ranking.0' }, labelThresholds }), 466],
      [set('csv', 'cxc_sits_val_head5000.csv', { fields: { ...fields, label: 'agg_score' }, labelThresholds }), 5000],
    ];
    for (const [dataset, rowCount] of datasets) {
      const { examples, quarantined } = await counts(dataset);
      expect(examples.length + quarantined.length).toBe(rowCount);
    }
    const seen = datasets.map(([dataset]) => path.basename('path' in dataset ? dataset.path : ''));
    const there = readdirSync(file('text-label-sets')).filter((name) => name !== 'README.md');
    expect([...seen].sort()).toEqual(there.sort());
  });
});
