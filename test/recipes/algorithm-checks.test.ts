import { describe, expect, test } from 'vitest';
import { describeError } from '../../core/errors.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

function armWith(change: object) {
  const recipe = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  return parseRecipe({ ...recipe, arms: { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], ...change } } }).arms[
    'mt-rl'
  ];
}

function problemOf(change: object): string {
  try {
    armWith(change);
    return '';
  } catch (error) {
    return describeError(error);
  }
}

describe('refuses, with the path and what is allowed', () => {
  test.each<[object, string]>([
    [{ promptCountPerStep: 4, updateCount: 5 }, 'arms.mt-rl.updateCount: found 5; allowed: at most 4'],
    [{ algorithm: 'gspo', ratio: 'token' }, 'arms.mt-rl.ratio: found "token"; allowed: sequence-mean'],
    [{ algorithm: 'cispo', clip: 'min' }, 'arms.mt-rl.clip: found "min"; allowed: stop-gradient'],
    [{ algorithm: 'dr-grpo', advantage: 'group-std' }, 'arms.mt-rl.advantage: found "group-std"; allowed: group-mean'],
    [{ algorithm: 'dr-grpo', weights: 'token-mean' }, 'arms.mt-rl.weights: found "token-mean"; allowed: fixed-length'],
    [{ algorithm: 'gdpo', klIn: 'reward' }, 'arms.mt-rl.klIn: found "reward"; allowed: loss'],
    [{ klEstimator: 'k4' }, 'arms.mt-rl.klEstimator: found "k4"; allowed: k1, k2, k3'],
    [
      { advantage: 'mean-scaled', klIn: 'reward', klCoefficient: 0.1 },
      'arms.mt-rl.klIn: found "reward"; allowed: loss,',
    ],
    [
      { algorithm: 'maxrl', reward: { overlong: { fromTokenCount: 2, penalty: 0.5 } } },
      'arms.mt-rl.reward.overlong: found',
    ],
    [{ partWeights: { accuracy: 2 } }, 'arms.mt-rl.partWeights: found {"accuracy":2}; allowed: nothing without'],
    [{ logProbsOver: 'kept', topP: 0.9 }, 'arms.mt-rl.logProbsOver: found "kept"; allowed: all, or kept with a topK'],
    [{ correctionMax: 3 }, 'arms.mt-rl.correctionMax: found 3; allowed: nothing without a correction'],
    [
      { stalenessStepCountMax: 1 },
      'arms.mt-rl.correction: found "none"; allowed: token-truncated, sequence-masked: stalenessStepCountMax is above 0',
    ],
    [
      { stalenessStepCountMax: 2, correction: 'token-truncated' },
      'arms.mt-rl.stalenessStepCountMax: found 2; allowed: ',
    ],
    [
      { stalenessStepCountMax: 1, algorithm: 'dpo' },
      'arms.mt-rl.stalenessStepCountMax: found 1; allowed: 0 with algorithm dpo',
    ],
    [{ algorithm: 'dpo', clipHigh: 0.3 }, 'arms.mt-rl.clipHigh: found '],
    [{ algorithm: 'dpo', klCoefficient: 0.1 }, 'arms.mt-rl.klCoefficient: found '],
    [{ algorithm: 'dpo', beta: 0 }, 'arms.mt-rl.beta: found 0; allowed: '],
    [{ beta: 0.1 }, 'arms.mt-rl.beta: found '],
    [
      { algorithm: 'dpo', promptCountPerStep: 4, updateCount: 5 },
      'arms.mt-rl.updateCount: found 5; allowed: at most 4',
    ],
    [{ algorithm: 'ppo' }, 'arms.mt-rl.algorithm: found "ppo"; allowed: grpo, dr-grpo, dapo, gspo, cispo, rloo,'],
  ])('%j', (change, problem) => {
    expect(problemOf(change)).toContain(problem);
  });
});

test('as many updates as prompts are allowed', () => {
  expect(problemOf({ promptCountPerStep: 4, updateCount: 4, epochCount: 2 })).toBe('');
});

test('stale rollouts are allowed with a correction', () => {
  expect(problemOf({ stalenessStepCountMax: 1, correction: 'sequence-masked' })).toBe('');
});

test('an algorithm has its own clip defaults, and a recipe that overrides nothing gets no new fields', () => {
  expect(armWith({ algorithm: 'dapo' })).toMatchObject({ clipLow: 0.2, clipHigh: 0.28 });
  expect(armWith({ algorithm: 'gspo' })).toMatchObject({ clipLow: 3e-4, clipHigh: 4e-4 });
  expect(armWith({ algorithm: 'dpo' })).toMatchObject({ beta: 0.1, groupSize: 4 });
  const added = [
    'updateCount',
    'epochCount',
    'advantage',
    'weights',
    'ratio',
    'clip',
    'klEstimator',
    'klIn',
    'correction',
  ];
  expect(Object.keys(armWith({}) ?? {}).filter((field) => added.includes(field))).toEqual([]);
});
