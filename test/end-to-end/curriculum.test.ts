/** A curriculum plans each segment from recorded rewards: killed and gone on with, it must draw what it would have drawn undisturbed. */
import { expect, it } from 'vitest';
import type { MixResult } from '../../contract/activities.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { policiesOf, WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 });
const trained = tiny.arms['mt-rl'];
if (trained?.objective !== 'rl') throw new Error('the tiny recipe trains mt-rl by rollouts');
const recipe: RecipeInput = {
  ...tiny,
  arms: {
    'sft-start': tiny.arms['sft-start'] ?? trained,
    'mt-rl': {
      ...trained,
      curriculum: { replanEveryStepCount: 2, chanceMin: 0.05 },
      resampling: { informativeGroupCountMin: 4, roundCountMax: 2 },
    },
  },
  evaluation: { ...tiny.evaluation, tasks: ['safety'] },
};
const runId = 'curriculum/mt-rl/s0';

/** Runs the recipe on servers of its own, and says which plans and which policy came of it. */
function outcomeOf(disturb: (stack: WholeStack) => Promise<void>) {
  return WholeStack.using(async (stack) => {
    await stack.startExperiment('curriculum', recipe);
    await disturb(stack);
    return { policies: policiesOf(await stack.result('curriculum')), ...(await activitiesOf(stack)) };
  });
}

/** Digests of the plans, in order, and which activities were started more than once. */
async function activitiesOf(stack: WholeStack) {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(runId).fetchHistory());
  const types = new Map<string, string>();
  const plans: string[] = [];
  const retried: string[] = [];
  let roundCount = 0;
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
    const { activityTaskCompletedEventAttributes: completed } = event;
    if (scheduled?.activityType?.name) types.set(String(event.eventId), scheduled.activityType.name);
    if (started && (started.attempt ?? 1) > 1) retried.push(types.get(String(started.scheduledEventId)) ?? '');
    const type = types.get(String(completed?.scheduledEventId));
    if (type === 'rollout') roundCount++;
    const data = type === 'mix' ? completed?.result?.payloads?.[0]?.data : undefined;
    if (data) plans.push((JSON.parse(new TextDecoder().decode(data)) as MixResult).plan.sha256);
  }
  return { plans, retried, roundCount };
}

it('killed and resumed draws the same examples and ends with the same policy', async () => {
  const undisturbed = await outcomeOf(() => Promise.resolve());
  const disturbed = await outcomeOf(async (stack) => {
    await stack.stepReached(runId, 1);
    await stack.killDuring(runId, 'rollout');
    stack.kill('control');
    await stack.up();
  });
  expect(new Set(undisturbed.plans).size).toBe(2);
  expect(disturbed.plans).toEqual(undisturbed.plans);
  expect(disturbed.policies).toEqual(undisturbed.policies);
  // Groups of a judge that has learnt little differ seldom: some steps needed their second round.
  expect(undisturbed.roundCount).toBeGreaterThan(4);
  expect(disturbed.roundCount).toBe(undisturbed.roundCount);
  // The kill did hit what it was meant for.
  expect(disturbed.retried).toContain('rollout');
});
