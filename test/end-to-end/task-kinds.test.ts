/** Every kind of task and every verdict format goes through the whole pipeline: training, rewards, evaluation. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-kinds-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const rowsFile = join(folder, 'rows.jsonl');
writeFileSync(
  rowsFile,
  Array.from({ length: 24 }, (_, id) =>
    JSON.stringify({
      ...{ id, caption: id % 2 ? 'a red circle' : 'a blue square', stars: 1 + (id % 3) },
      ...{ round: id % 2 ? 'yes' : 'no', red: id % 3 ? 'yes' : 'no' },
      ...{
        answers: ['red circle', 'blue square', 'red square'].slice(0, 2 + (id % 2)),
        scores: [id % 5, 7, 8].slice(0, 2 + (id % 2)),
      },
    }),
  ).join('\n'),
);

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 2 });
const { 'sft-start': start, 'mt-rl': trained } = tiny.arms;
if (trained?.objective !== 'rl' || start === undefined) throw new Error('the tiny recipe has these arms');
const text = { reader: 'jsonl', path: rowsFile, split: { train: 0.75, test: 0.25, seed: 1 } } as const;
const fields = { images: [], label: 'stars', prompt: ['caption'] };
const compared = {
  ...{ images: [], prompt: ['caption'], candidates: { list: 'answers' }, label: { greaterOf: 'scores' } },
};
// The last word stands for a third place: the demo's tokenizer has no other.
const places: [string, string, string] = ['first', 'second', 'red'];
const listed =
  '{{ caption }} {% for one in candidates %} {{ labels[loop.index0] }} {{ one }} {% endfor %} ? {{ mode_word }}';
const recipe: RecipeInput = {
  ...tiny,
  tasks: {
    best: { kind: 'choice', labels: places, prompt: listed },
    order: { kind: 'ranking', labels: places, prompt: listed },
    aspects: {
      ...{ kind: 'criteria', labels: ['yes', 'no'], criteria: { circle: null, red: null } },
      prompt: '{{ caption }} ? {{ mode_word }}',
    },
    'pair-safety': {
      ...(tiny.tasks['pair-safety'] ?? { kind: 'pairwise', labels: ['first', 'second'], prompt: '' }),
      ood: false,
    },
    stars: {
      kind: 'score',
      labels: ['1', '2', '3'],
      real: true,
      prompt: '{{ caption }} ? {{ mode_word }}',
      verdictFormat: 'last-line',
    },
    bright: {
      kind: 'pointwise',
      labels: ['yes', 'no'],
      prompt: '{{ caption }} ? {{ mode_word }}',
      verdictFormat: 'json',
    },
  },
  datasets: [
    { ...text, task: 'best', fields: compared, randomOrderSeed: 1 },
    { ...text, task: 'order', fields: compared },
    { ...text, task: 'aspects', fields: { ...fields, label: { criteria: { circle: 'round', red: 'red' } } } },
    { reader: 'judge-world', tasks: ['pair-safety'], split: 'train', exampleCount: 12, seed: 1 },
    { reader: 'judge-world', tasks: ['pair-safety'], split: 'test', exampleCount: 4, seed: 2 },
    { ...text, task: 'stars', fields },
    {
      ...{ ...text, task: 'bright', fields },
      labelThresholds: [
        { label: 'yes', from: 2 },
        { label: 'no', below: 2 },
      ],
    },
  ],
  arms: {
    // The demo's tokenizer has neither digits nor braces: of these tasks, it can encode only the pairs.
    'sft-start': { ...start, tasks: ['pair-safety'] },
    'mt-rl': {
      ...trained,
      mixture: { strategy: 'uniform' },
      promptCountPerStep: 6,
      reward: { consistencyWeight: 0.5, overlong: { fromTokenCount: 2, penalty: 0.2 }, taskWeights: { stars: 2 } },
    },
  },
};

it('scores pairs in both orders, choices, rankings, several criteria, numeric scores and texts without pictures', async () => {
  const stack = await WholeStack.start();
  try {
    await stack.startExperiment('kinds', recipe);
    const { runs } = await stack.result('kinds');
    const evaluations = runs.find(({ plan }) => plan.arm === 'mt-rl')?.evaluations ?? [];
    const byTask = Object.fromEntries(evaluations.map(({ scores }) => [scores.task, scores]));
    expect(Object.keys(byTask).sort()).toEqual(['aspects', 'best', 'bright', 'order', 'pair-safety', 'stars']);
    // The examples of a choice are asked in as many orders as they have candidates.
    expect(byTask['best']).toMatchObject({ exampleCount: 6, consistencyRate: expect.any(Number) as number });
    expect(byTask['aspects']?.criteria?.map(({ criterion }) => criterion)).toEqual(['circle', 'red']);
    expect(byTask['order']).toMatchObject({ exampleCount: 6, pairAccuracy: expect.any(Number) as number });
  } finally {
    await stack.stop();
  }
});
