/**
 * A checkpoint's weights do not contain adapters: after a kill, a worker must load them from beside the checkpoint or
 * draw the same ones again.
 */
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
      // Fewer snapshots than records: a kill between two snapshots causes a replay.
      stepCountPerActivity: 1,
      snapshotEveryStepCount: 2,
      lora: { rank: 4, alpha: 8, modules: ['q_proj', 'v_proj'] },
    },
  },
  evaluation: { ...tiny.evaluation, tasks: ['safety'] },
};
const runId = 'adapters/adapted/s0';

/** Runs the recipe on servers of its own and returns the resulting policies. */
function policiesAfter(disturb: (stack: WholeStack) => Promise<void>) {
  return WholeStack.using(async (stack) => {
    await stack.startExperiment('adapters', recipe);
    await disturb(stack);
    return policiesOf(await stack.result('adapters'));
  });
}

it('ends with the same policy if a run with adapters is killed between snapshots', async () => {
  const undisturbed = await policiesAfter(() => Promise.resolve());
  const disturbed = await policiesAfter(async (stack) => {
    await stack.stepReached(runId, 3);
    await stack.killDuring(runId, 'optimize');
    await stack.up();
  });
  expect(disturbed).toEqual(undisturbed);
  expect(new Set(undisturbed.map(([, digest]) => digest)).size).toBe(undisturbed.length);
});
