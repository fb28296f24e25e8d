/** `mtrl score --pixels`: the logistic regression on pixels beside recorded verdicts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { pixelJudge } from '../../judge/scoring/pixel-judge.ts';
import { parseRecipe } from '../../recipes/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-pixel-judge-'));
const settings = { resampleCount: 50, seed: 0 };

/** Pictures whose bright half tells the label, in pairs of which the first is published as the better one. */
beforeAll(async () => {
  const rows = [];
  for (let id = 0; id < 24; id++) {
    const isLeft = id % 3 === 0;
    const pixels = Buffer.alloc(16 * 16, 20);
    for (let i = 0; i < pixels.length; i++) if (i % 16 < 8 === isLeft) pixels[i] = 180 + ((i * 7 + id) % 50);
    const raw = { width: 16, height: 16, channels: 1 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, `${String(id)}.png`));
    rows.push({ id, image: `${String(id)}.png`, label: isLeft ? 'left' : 'right', text: 'w', other: `${String(id)}x` });
  }
  const write = (name: string, some: readonly object[]) => {
    writeFileSync(join(folder, name), some.map((row) => JSON.stringify(row)).join('\n'));
  };
  write('train.jsonl', rows.slice(0, 16));
  write('test.jsonl', rows.slice(16));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function recipeOf(task: object, fields: object, splits: readonly string[] = ['train', 'test'], imageFolder = folder) {
  const datasets = splits.map((split) => ({
    ...{ reader: 'jsonl', task: 't', split, path: join(folder, `${split}.jsonl`), imageFolder, fields },
  }));
  return parseRecipe({
    ...{ name: 'pixels', policy: { checkpoint: 'base' }, tasks: { t: task }, datasets },
    arms: { base: { objective: 'none', mode: 'direct' } },
  });
}
const sides = { kind: 'pointwise', labels: ['left', 'right'], prompt: '<image> Which side? {{ mode_word }}' };

test('is fitted to the training rows, and scored on the evaluated ones', async () => {
  const found = await pixelJudge(recipeOf(sides, {}), 't', settings, localFiles);
  expect(found).toEqual({
    // Some of the draws have pictures of one label alone, and Macro-F1 is over both.
    ...{ task: 't', split: 'test', exampleCount: 8, accuracy: 1, macroF1: 1, ci95: [0.5, 1] },
    ...{ fittedCount: 16, trainCount: 16, fields: [] },
  });
});

test('is absent without training rows, without pictures, and for verdicts that are no labels', async () => {
  const absent = (...given: Parameters<typeof recipeOf>) => pixelJudge(recipeOf(...given), 't', settings, localFiles);
  expect(await absent(sides, {}, ['test'])).toBeUndefined();
  const text = { images: [], prompt: ['text'] };
  expect(await absent({ ...sides, prompt: '{{ text }} {{ mode_word }}' }, text)).toBeUndefined();
  const number = { kind: 'score', range: [0, 100], prompt: '<image> {{ mode_word }}' };
  expect(await absent(number, { label: 'id' })).toBeUndefined();
});

test('pictures that are not there are an error, because they were asked for', async () => {
  const recipe = recipeOf(sides, { images: ['other'] });
  await expect(pixelJudge(recipe, 't', settings, localFiles)).rejects.toMatchObject({
    code: 'DATASET_QUARANTINE_CEILING',
  });
});
