/** Adapters are no part of a checkpoint's weights: a worker that is killed must find them beside it, or draw them again alike. */
import { expect, it } from 'vitest';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { policiesOf, WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 1 });
const start = tiny.arms['sft-start'];
if (start?.objective !== 'sft') throw new Error('the tiny recipe has another start');
const recipe: RecipeInput = {
  ...tiny,
  arms: {
    'sft-start': { ...start, freeze: ['vision'] },
    adapted: {
      ...start,
      from: 'sft-start',
      stepCount: 6,
      // Snapshots are fewer than records: what is killed between them is replayed.
      stepCountPerActivity: 1,
      snapshotEveryStepCount: 2,
      lora: { rank: 4, alpha: 8, modules: ['q_proj', 'v_proj'] },
    },
  },
  evaluation: { ...tiny.evaluation, tasks: ['safety'] },
};
const runId = 'adapters/adapted/s0';

/** Runs the recipe on servers of its own, and says which policies came of it. */
function policiesAfter(disturb: (stack: WholeStack) => Promise<void>) {
  return WholeStack.using(async (stack) => {
    await stack.startExperiment('adapters', recipe);
    await disturb(stack);
    return policiesOf(await stack.result('adapters'));
  });
}

it('a run with adapters that is killed between snapshots ends with the same policy', async () => {
  const undisturbed = await policiesAfter(() => Promise.resolve());
  const disturbed = await policiesAfter(async (stack) => {
    await stack.stepReached(runId, 3);
    await stack.killDuring(runId, 'optimize');
    await stack.up();
  });
  expect(disturbed).toEqual(undisturbed);
  expect(new Set(undisturbed.map(([, digest]) => digest)).size).toBe(undisturbed.length);
});
