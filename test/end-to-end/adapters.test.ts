/** Adapters are no part of a checkpoint's weights: a worker that is killed must find them beside it, or draw them again alike. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { RecipeInput } from '../../recipes/recipe.ts';
import type { RunProgress } from '../../workflows/progress.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

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
async function policiesAfter(disturb: (stack: WholeStack) => Promise<void>) {
  const stack = await WholeStack.start();
  try {
    await stack.startExperiment('adapters', recipe);
    await disturb(stack);
    const { runs } = await stack.result('adapters');
    return runs.map(({ plan, checkpoint }) => [plan.runName, checkpoint.sha256]);
  } finally {
    await stack.stop();
  }
}

async function stepReached(stack: WholeStack, step: number): Promise<void> {
  const reached = (): Promise<number> =>
    stack.withClient(async (client) => (await client.workflow.getHandle(runId).query<RunProgress>('progress')).step);
  while ((await reached().catch(() => -1)) < step) await sleep(50);
}

it('a run with adapters that is killed between snapshots ends with the same policy', async () => {
  const undisturbed = await policiesAfter(() => Promise.resolve());
  const disturbed = await policiesAfter(async (stack) => {
    await stepReached(stack, 3);
    await stack.killDuring(runId, 'optimize');
    await stack.up();
  });
  expect(disturbed).toEqual(undisturbed);
  expect(new Set(undisturbed.map(([, digest]) => digest)).size).toBe(undisturbed.length);
}, 170_000);
