import { expect, test } from 'vitest';
import { checkRecipeData } from '../../judge/datasets/check-recipe.ts';
import { generateWorldExamples } from '../../judge/worlds/generate.ts';
import { planEvaluations, planRuns } from '../../pipeline/training/plan-runs.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { runCountText } from '../../recipes/run-count.ts';

const { parsed: recipe } = loadRecipeFile('recipes/reproduction.yaml', []);
const six = ['naturalness', 'technical', 'rationality', 'alignment', 'preference', 'safety'];

test('has the rows of the paper, controls and rates of both methods, each with three seeds', () => {
  expect(recipe.seeds).toHaveLength(3);
  expect(runCountText(recipe)).toBe(
    'base 1, sft-single 18, sft-unified 3, rl-single 18, mt-rl 3, sft-best-rate 3, sft-reasons 3, rl-direct 3, sft-shuffled 3, ' +
      'rl-shuffled 3, hard-base 3, mt-rl-from-hard-base 3, sweep sft-rates 12, sweep rl-rates 12',
  );
  expect(() => {
    checkRecipeData(recipe);
  }).not.toThrow();
});

test('evaluates the six tasks and the unseen pairs, a specialist its own task and the pairs', () => {
  expect(planEvaluations(recipe).map(({ task, ood }) => [task, ood])).toEqual([
    ...six.map((task) => [task, false]),
    ['pair-alignment', true],
  ]);
  const runs = planRuns(recipe);
  expect(runs.find(({ runName }) => runName === 'rl-single/safety/s2')?.evaluatedTasks).toEqual([
    'safety',
    'pair-alignment',
  ]);
  const from = runs.filter(({ arm }) => arm === 'mt-rl-from-hard-base').map((run) => run.from);
  expect(from).toEqual(['hard-base/s0', 'hard-base/s1', 'hard-base/s2']);
});

test('shuffled labels are of the same pictures, and right for about every second', () => {
  const [first, , , shuffled] = recipe.datasets;
  if (first?.reader !== 'judge-world' || shuffled?.reader !== 'judge-world') throw new Error('worlds');
  const tasks = ['safety'];
  const few = (spec: typeof first) => [...generateWorldExamples({ ...spec, tasks, exampleCount: 300 })];
  const [given, control] = [few(first), few(shuffled)];
  expect(control.map(({ pixels }) => pixels)).toEqual(given.map(({ pixels }) => pixels));
  expect(control.every(({ example }) => example.task === 'shuffled-safety' && example.id.startsWith('shuffled'))).toBe(
    true,
  );
  const agreeing = control.filter(({ example }, i) => example.label === given[i]?.example.label).length;
  // 300 fair coins are outside of this in fewer than 1 of 10,000 draws; the draw is fixed by the seed.
  expect(Math.abs(agreeing - 150)).toBeLessThan(35);
});

test.each([
  [
    '{ safty: shuffled-safety }',
    'datasets.0.as.safty (--set): found "safty", which is not a known task; allowed: safety',
  ],
  ['{ safety: shuffled-safty }', 'datasets.0.tasks.5 (line'],
  ['{ safety: technical }', 'datasets.0.as (--set): found {"safety":"technical"}; allowed: another name for each task'],
])('a dataset that renames %s is refused', (as, line) => {
  expect(() => loadRecipeFile('recipes/reproduction.yaml', [`datasets.0.as=${as}`])).toThrow(line);
});
