import { expect, it } from 'vitest';
import { planEvaluations, planRuns } from '../../pipeline/training/plan-runs.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

const recipe = parseRecipe({ ...tinyRecipe({ sftStepCount: 40, grpoStepCount: 12 }), seeds: [3, 5] });

it('makes a run of every trained arm for each seed, and one of an untrained arm', () => {
  expect(planRuns(recipe).map(({ runName }) => runName)).toEqual([
    'base/s3',
    'sft-start/s3',
    'sft-start/s5',
    'mt-rl/s3',
    'mt-rl/s5',
  ]);
});

it('starts a run from the run of the same seed', () => {
  const from = planRuns(recipe).flatMap(({ runName, from }) => (from === undefined ? [] : [[runName, from]]));
  expect(from).toEqual([
    ['mt-rl/s3', 'sft-start/s3'],
    ['mt-rl/s5', 'sft-start/s5'],
  ]);
});

it('starts a run from the only run of an untrained arm', () => {
  const arms = { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], from: 'base' } };
  const runs = planRuns(parseRecipe({ ...recipe, arms }));
  expect(runs.find(({ runName }) => runName === 'mt-rl/s5')?.from).toBe('base/s3');
});

it('states for every run whether it is trained, samples rollouts, and keeps a reference', () => {
  const arms = { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], klCoefficient: 0.1, rolloutShardCount: 2 } };
  const plans = planRuns(parseRecipe({ ...recipe, seeds: [0], arms }));
  const done = plans.map(({ stepCount, stepCountPerActivity, rolloutShardCount, usesReference }) => [
    ...[stepCount, stepCountPerActivity, rolloutShardCount, usesReference],
  ]);
  expect(done).toEqual([
    [0, 1, 0, false],
    [40, 10, 0, false],
    [12, 1, 2, true],
  ]);
});

it('makes a step one activity where one worker does all of it', () => {
  const isOne = (changes: object, more: object = {}) => {
    const arms = { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], ...changes } };
    const plans = planRuns(parseRecipe({ ...recipe, seeds: [0], ...more, arms }));
    return plans.map(({ stepInOneActivity }) => stepInOneActivity).at(-1);
  };
  expect(isOne({})).toBe(true);
  expect(isOne({ rolloutShardCount: 2 })).toBeUndefined();
  expect(isOne({ dynamicSampling: { informativeGroupCountMin: 2, roundCountMax: 2 } })).toBeUndefined();
  expect(isOne({ reward: { grader: { url: 'http://127.0.0.1:1/', weight: 0.5 } } })).toBeUndefined();
  expect(isOne({}, { pools: { rollouts: 'a' } })).toBeUndefined();
  expect(isOne({ stalenessStepCountMax: 1, correction: 'token-truncated' })).toBeUndefined();
  expect(isOne({}, { pools: { rollouts: 'a', training: 'a', evaluation: 'b' } })).toBe(true);
});

it('samples ahead only if the arm allows rollouts of an earlier policy', () => {
  const samplesAhead = (changes: object) => {
    const arms = { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], correction: 'token-truncated', ...changes } };
    return planRuns(parseRecipe({ ...recipe, arms })).map((plan) => plan.samplesAhead);
  };
  const none = [undefined, undefined, undefined];
  expect(samplesAhead({ stalenessStepCountMax: 1 })).toEqual([...none, true, true]);
  expect(samplesAhead({ stalenessStepCountMax: 0 })).toEqual([...none, undefined, undefined]);
  expect(samplesAhead({})).toEqual([...none, undefined, undefined]);
});

it('passes the pools on to every run, and refuses an unknown part or a name that no queue can have', () => {
  const pools = { evaluation: 'cheap' };
  expect(planRuns(parseRecipe({ ...recipe, pools })).map((plan) => plan.pools)).toEqual(Array(5).fill(pools));
  expect(() => parseRecipe({ ...recipe, pools: { rewards: 'a' } })).toThrow('pools');
  expect(() => parseRecipe({ ...recipe, pools: { training: 'A B' } })).toThrow('pools.training');
});

it('plans every task of the evaluation split and marks those that no arm trains on', () => {
  expect(planEvaluations(recipe)).toEqual([
    { task: 'technical', split: 'test', ood: false },
    { task: 'safety', split: 'test', ood: false },
    { task: 'pair-safety', split: 'test', ood: true },
  ]);
});

it('runs a specialist of each task, evaluated on its task and on the unseen one', () => {
  const arms = { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], single: true, from: undefined } };
  const runs = planRuns(parseRecipe({ ...recipe, seeds: [3], arms }));
  expect(runs.map(({ runName, evaluatedTasks }) => [runName, evaluatedTasks])).toEqual([
    ['base/s3', undefined],
    ['sft-start/s3', undefined],
    ['mt-rl/technical/s3', ['technical', 'pair-safety']],
    ['mt-rl/safety/s3', ['safety', 'pair-safety']],
  ]);
});
