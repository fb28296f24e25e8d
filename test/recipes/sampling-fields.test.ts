import { expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const demo = 'recipes/demo.yaml';

test('a recipe without these fields keeps its digest, and so its cached results', () => {
  const text = canonicalJson(loadRecipeFile(demo, []).parsed);
  expect(text).not.toMatch(/topK|topP|sampleTopK|sampleTopP|stopSequences/);
});

test('the fields are kept as written', () => {
  const { parsed } = loadRecipeFile(demo, [
    'arms.mt-rl.topK=20',
    'arms.mt-rl.topP=0.9',
    'evaluation={sampleCount: 4, sampleTopK: 5, sampleTopP: 0.5}',
    'stopSequences=["</answer>"]',
  ]);
  expect(parsed.arms['mt-rl']).toMatchObject({ topK: 20, topP: 0.9 });
  expect(parsed.evaluation).toMatchObject({ sampleTopK: 5, sampleTopP: 0.5 });
  expect(parsed.stopSequences).toEqual(['</answer>']);
});

test.each([
  ['arms.mt-rl.topK=0', 'arms.mt-rl.topK'],
  ['arms.mt-rl.topP=0', 'arms.mt-rl.topP'],
  ['arms.mt-rl.topP=1.1', 'arms.mt-rl.topP'],
  ['evaluation={sampleTopP: -1}', 'evaluation.sampleTopP'],
  ['stopSequences=[""]', 'stopSequences.0'],
  ['arms.sft-unified.topK=3', 'arms.sft-unified.topK'],
])('refuses %s with its path', (set, place) => {
  const refused = (): unknown => loadRecipeFile(demo, [set]);
  expect(refused).toThrow(MtrlError);
  expect(refused).toThrow(place);
});
