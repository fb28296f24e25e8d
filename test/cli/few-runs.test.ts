import { expect, test } from 'vitest';
import { requireFewRuns } from '../../cli/verbs/experiments/run.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const withSizes = (count: number) => {
  const sizes = JSON.stringify(Array.from({ length: count }, (_, i) => i + 2));
  const sweep = `sweeps={ sizes: { arm: mt-rl, vary: { groupSize: ${sizes} } } }`;
  return loadRecipeFile('recipes/demo-quick.yaml', ['seeds=[0, 1]', sweep]).parsed;
};

test('a recipe that makes more than 200 runs is refused, with their number by arm and sweep', () => {
  requireFewRuns(withSizes(96), 'a.yaml');
  expect(() => {
    requireFewRuns(withSizes(97), 'a.yaml');
  }).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: 'the recipe makes 201 runs',
      details: {
        where: 'a.yaml',
        found: 'base 1, sft-unified 2, sft-reasons 2, mt-rl 2, sweep sizes 194',
        hint: '--yes starts them all',
      },
    }),
  );
});
