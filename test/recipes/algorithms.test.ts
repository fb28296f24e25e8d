import { expect, test } from 'vitest';
import { algorithms } from '../../policy/algorithms/table.ts';
import { isRl } from '../../recipes/arms.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const { parsed: recipe } = loadRecipeFile('recipes/algorithms.yaml', []);
const arms = Object.entries(recipe.arms).flatMap(([name, arm]) => (isRl(arm) ? [[name, arm] as const] : []));

test('every algorithm is an arm of its name, with three seeds and four updates a step', () => {
  expect(arms.map(([name, { algorithm }]) => [name, algorithm])).toEqual(
    Object.keys(algorithms).map((name) => [name, name]),
  );
  expect(recipe.seeds).toHaveLength(3);
  for (const [, { updateCount = 1, epochCount = 1, stepCount }] of arms)
    expect([updateCount * epochCount, stepCount]).toEqual([4, 100]);
});

test('the arms differ in nothing but the fields of their algorithm', () => {
  const shared = arms.map(([, arm]) => {
    const own = Object.keys(algorithms[arm.algorithm].fields);
    return Object.fromEntries(Object.entries(arm).filter(([field]) => field !== 'algorithm' && !own.includes(field)));
  });
  for (const other of shared) expect(other).toEqual(shared[0]);
});
