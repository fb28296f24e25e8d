/**
 * Real label sets from ../shared/data beside the checkout; skipped with a reason if they are missing. Synthetic
 * pictures replace the missing ones.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { accuracyOf } from '../../judge/evaluation/accuracy.ts';
import { orderScores } from '../../judge/evaluation/order.ts';
import { swapPair } from './swap-pair.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';
import { recipeOf } from './recipes.ts';

const data = path.resolve(fileURLToPath(import.meta.url), '../../../../shared/data/text-label-sets');
const labels = path.join(data, 'mjbench_alignment_labels.jsonl');
const rankings = path.join(data, 'imagereward_test.json');
const { isMissing } = needSharedData(
  'text-label-sets/mjbench_alignment_labels.jsonl',
  'text-label-sets/imagereward_test.json',
);

const firstSecond: ['first', 'second'] = ['first', 'second'];
const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-mj-bench-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const pairs = (randomOrderSeed?: number): RecipeInput =>
  recipeOf({
    tasks: { pair: { kind: 'pairwise', labels: firstSecond, prompt: '<image> <image> {{ caption }}', ood: true } },
    datasets: [
      {
        reader: 'jsonl',
        ...{ task: 'pair', split: 'test', path: labels, imageFolder: folder },
        fields: { id: '__key__', images: ['image0', 'image1'], label: 'label', prompt: ['caption'], group: 'caption' },
        labelMap: { '0': 'first', '1': 'second' },
        ...(randomOrderSeed !== undefined && { randomOrderSeed }),
      },
    ],
  });

describe.skipIf(isMissing)('MJ-Bench alignment', () => {
  beforeAll(async () => {
    const rows = readFileSync(labels, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { image0: string; image1: string });
    mkdirSync(folder, { recursive: true });
    const rng = new Rng('pictures');
    const png = async (name: string) => {
      const pixels = Uint8Array.from({ length: 48 }, () => rng.integer(0, 256));
      // PNG bytes under any file name: the format is detected by content.
      writeFileSync(
        path.join(folder, name),
        await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
          .png()
          .toBuffer(),
      );
    };
    for (const name of new Set(rows.flatMap(({ image0, image1 }) => [image0, image1]))) await png(name);
  });

  const alwaysFirst = async (seed?: number) => {
    const { examples, quarantined } = await ingestDatasets(recipeOf(pairs(seed)), { image: () => undefined });
    expect(examples.length + quarantined.length).toBe(916);
    expect(quarantined).toEqual([]);
    const said = ({ label }: { label: string }) => ({ label, predicted: 'first' });
    const scores = orderScores(
      examples.map((pair) => [
        { ...said(pair), order: [0, 1] },
        { ...said(swapPair(pair, firstSecond)), order: [1, 0] },
      ]),
      firstSecond,
    );
    return { accuracy: accuracyOf(examples.map(said)), scores };
  };

  test('always-first scores .891 in published order and about .5 in random order, with consistency 0 in both', async () => {
    const published = await alwaysFirst();
    const randomised = await alwaysFirst(0);
    expect(published.accuracy).toBeCloseTo(816 / 916, 12);
    // Two standard errors of 916 fair coins.
    expect(Math.abs(randomised.accuracy - 0.5)).toBeLessThan(0.034);
    for (const { scores } of [published, randomised]) {
      expect(scores).toMatchObject({ consistencyRate: 0, consistentAccuracy: 0, firstPositionRate: 1 });
    }
  });

  test('finds all 200 rows from ImageReward among ImageReward’s test prompts, and no others', async () => {
    const recipe = recipeOf({
      tasks: {
        preference: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ prompt }}' },
        pair: { kind: 'pointwise', labels: firstSecond, prompt: '{{ caption }}', ood: true },
      },
      datasets: [
        {
          reader: 'json',
          ...{ task: 'preference', split: 'test', path: rankings },
          ranking: { images: 'generations', ranks: 'ranking', to: 'images' },
          fields: { id: 'id', images: [], label: 'standing', prompt: ['prompt'], group: 'prompt' },
          labelThresholds: [
            { label: 'yes', from: 0.5 },
            { label: 'no', below: 0.5 },
          ],
        },
        {
          reader: 'jsonl',
          ...{ task: 'pair', split: 'test', path: labels },
          fields: { id: '__key__', images: [], label: 'label', prompt: ['caption', 'source'] },
          labelMap: { '0': 'first', '1': 'second' },
        },
      ],
      leaks: { textFields: ['prompt', 'caption'] },
    });
    const { examples, quarantined, leaks } = await ingestDatasets(recipe, { image: () => undefined });
    // The paper counts 2,720 rows of the 466 prompts.
    expect(examples.filter(({ task }) => task === 'preference')).toHaveLength(2720);
    expect(quarantined).toEqual([]);
    const leaking = new Set(leaks.flatMap((leak) => leak.examples));
    const sources = examples
      .filter(({ id, task }) => task === 'pair' && leaking.has(id))
      .map(({ fields }) => fields['source']);
    expect(sources).toHaveLength(200);
    expect(new Set(sources)).toEqual(new Set(['imagereward']));
  });
});
