import { expect, it } from 'vitest';
import { planUpdate } from '../../pipeline/training/updates/table.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { refTo } from '../workflows/made-up-activities.ts';

const recipe = parseRecipe(tinyRecipe({ sftStepCount: 10, grpoStepCount: 10 }));
const arm = recipe.arms['sft-start'];
if (arm?.objective !== 'sft') throw new Error('the tiny recipe has this arm');
const decaying = {
  ...recipe,
  arms: { ...recipe.arms, 'sft-start': { ...arm, optimizer: { ...arm.optimizer, schedule: 'linear' as const } } },
};
const planned = (step: number) => Promise.resolve(Uint32Array.of(step));

async function lastLearningRate(toStep: number, stepCount?: number): Promise<number | undefined> {
  const run = { recipe: refTo('recipe'), dataset: refTo('dataset'), arm: 'sft-start', seed: 0 };
  const steps = { plan: refTo('plan'), fromStep: toStep - 1, toStep, policy: { snapshot: refTo('base'), log: [] } };
  const input = { ...run, ...steps, ...(stepCount !== undefined && { stepCount }) };
  const update = await planUpdate(decaying, input, planned);
  return update.objective === 'sft' ? update.steps[0]?.learningRate : undefined;
}

it("ends a learning rate schedule with a changed budget, not with the recipe's", async () => {
  const { learningRate, finalLearningRateRatio } = arm.optimizer;
  const final = learningRate * finalLearningRateRatio;
  expect(await lastLearningRate(10)).toBeCloseTo(final, 12);
  expect(await lastLearningRate(20, 20)).toBeCloseTo(final, 12);
  expect(await lastLearningRate(10, 20)).toBeGreaterThan(final * 2);
});

it('sets Muon and its momentum only if the recipe does', async () => {
  const adamOf = async (optimizer: object) => {
    const changed = parseRecipe({
      ...tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 }),
      arms: { 'sft-start': { objective: 'sft', mode: 'think', stepCount: 1, optimizer } },
    });
    const run = { recipe: refTo('recipe'), dataset: refTo('dataset'), arm: 'sft-start', seed: 0 };
    const steps = { plan: refTo('plan'), fromStep: 0, toStep: 1, policy: { snapshot: refTo('base'), log: [] } };
    return (await planUpdate(changed, { ...run, ...steps }, planned)).adam;
  };
  expect(await adamOf({ learningRate: 1e-3, name: 'muon' })).toMatchObject({ muon: { momentum: 0.95 } });
  expect(Object.keys(await adamOf({ learningRate: 1e-3 }))).not.toContain('muon');
});
