import { expect, it } from 'vitest';
import { planRuns } from '../../pipeline/training/plan-runs.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

function planWith(guards: object, arm: 'mt-rl' | 'sft-start' = 'mt-rl') {
  const recipe = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const arms = { ...recipe.arms, [arm]: { ...recipe.arms[arm], guards } };
  return planRuns(parseRecipe({ ...recipe, arms })).find((plan) => plan.arm === arm)?.guards;
}

it('a run knows what it goes back for, and how often it may; a step skips for itself', () => {
  const counts = { skipCountMax: 10, rewindCountMax: 2 };
  expect(planWith({})).toEqual({ rewindsFor: [], ...counts });
  expect(planWith({ nonFinite: 'skip' }, 'sft-start')).toEqual({ rewindsFor: [], ...counts });
  const collapse = { action: 'rewind', stepCount: 5, entropyMin: 0.1 };
  expect(planWith({ nonFinite: 'rewind', logProbMismatch: 'rewind', collapse, rewindCountMax: 7 })).toEqual({
    ...{ rewindsFor: ['NON_FINITE', 'LOGPROB_MISMATCH', 'POLICY_COLLAPSED'], collapsedStepCountMax: 5 },
    ...{ skipCountMax: 10, rewindCountMax: 7 },
  });
  expect(planWith({ collapse: { action: 'skip', rewardMin: 0 } })).toEqual({ rewindsFor: [], ...counts });
});

it.each([
  ['no limit', { collapse: {} }, 'arms.mt-rl.guards.collapse: found no limit'],
  [
    'lengths that exclude each other',
    { collapse: { completionTokenCountMin: 9, completionTokenCountMax: 8 } },
    'arms.mt-rl.guards.collapse.completionTokenCountMax: found 8; allowed: >= 9',
  ],
  ['another action', { nonFinite: 'ignore' }, 'arms.mt-rl.guards.nonFinite'],
  ['no rewind at all', { rewindCountMax: 0 }, 'arms.mt-rl.guards.rewindCountMax'],
])('refuses %s', (_, guards, problem) => {
  expect(() => planWith(guards)).toThrow(problem);
});
