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
    JSON.stringify({ id, caption: id % 2 ? 'a red circle' : 'a blue square', stars: 1 + (id % 3) }),
  ).join('\n'),
);

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 2 });
const { 'sft-start': start, 'mt-rl': trained } = tiny.arms;
if (trained?.objective !== 'rl' || start === undefined) throw new Error('the tiny recipe has these arms');
const text = { reader: 'jsonl', path: rowsFile, split: { train: 0.75, test: 0.25, seed: 1 } } as const;
const fields = { images: [], label: 'stars', prompt: ['caption'] };
const recipe: RecipeInput = {
  ...tiny,
  tasks: {
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

it('scores pairs in both orders, numeric scores and texts without pictures', async () => {
  const stack = await WholeStack.start();
  try {
    await stack.startExperiment('kinds', recipe);
    const { runs } = await stack.result('kinds');
    const evaluated = runs.find(({ plan }) => plan.arm === 'mt-rl')?.evaluations.map(({ scores }) => scores.task);
    expect(evaluated).toEqual(['pair-safety', 'stars', 'bright']);
  } finally {
    await stack.stop();
  }
});
