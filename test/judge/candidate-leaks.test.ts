/** Texts of candidates that training and test rows share. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-candidate-leaks-'));
  const rows = {
    train: [
      { id: '0', question: 'Which?', answers: ['A red house', 'a tree'], best: 'A' },
      { id: '1', question: 'Which one?', answers: ['a boat', 'a train'], best: 'B' },
    ],
    test: [
      { id: '2', question: 'Which is it?', answers: ['a red house!', 'a cow'], best: 'B' },
      { id: '3', question: 'Which?', answers: ['a cow', 'a hen'], best: 'B' },
    ],
  };
  for (const [split, own] of Object.entries(rows))
    await writeFile(join(folder, `${split}.jsonl`), own.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

async function ingested(leaks: RecipeInput['leaks']) {
  const prompt = '{{ question }} {{ candidates[0] }} {{ candidates[1] }} {{ mode_word }}';
  const fields = { images: [], candidates: { list: 'answers' }, label: 'best', prompt: ['question'] };
  const datasets = (['train', 'test'] as const).map(
    (split) => ({ reader: 'jsonl', task: 'best', split, path: join(folder, `${split}.jsonl`), fields }) as const,
  );
  const recipe = parseRecipe({
    ...{
      name: 'leaks',
      policy: { checkpoint: 'base' },
      tasks: { best: { kind: 'choice', labels: ['A', 'B'], prompt } },
    },
    ...{ datasets, arms: { base: { objective: 'none', mode: 'direct' } }, ...(leaks && { leaks }) },
  });
  return ingestDatasets(recipe, { image: () => undefined });
}

test('are leaks, whatever their spelling and place; texts within one split are not', async () => {
  const { leaks } = await ingested(undefined);
  expect(leaks.map(({ kind, examples }) => [kind, examples])).toEqual([['text', ['best/train/0', 'best/test/2']]]);
});

test('are listed beside those of prompt fields', async () => {
  const { leaks } = await ingested({ textFields: ['question'] });
  expect(leaks.map(({ examples }) => examples).sort()).toEqual([
    ['best/train/0', 'best/test/2'],
    ['best/train/0', 'best/test/3'],
  ]);
});

test('drop the training example, if the recipe says so, and count as quarantined', async () => {
  const { examples, quarantined } = await ingested({ action: 'drop' });
  expect(examples.map(({ id }) => id)).toEqual(['best/train/1', 'best/test/2', 'best/test/3']);
  expect(quarantined.map(({ code }) => code)).toEqual(['LEAKED']);
});

test('are no leaks if the recipe does not compare them', async () => {
  expect((await ingested({ candidateTexts: false })).leaks).toEqual([]);
});
