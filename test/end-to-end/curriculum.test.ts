/**
 * A curriculum plans each segment from recorded rewards: after a kill and a resume, it must draw the same examples as
 * an undisturbed run.
 */
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
      dynamicSampling: { informativeGroupCountMin: 4, roundCountMax: 2 },
    },
  },
  evaluation: { ...tiny.evaluation, tasks: ['safety'] },
};
const runId = 'curriculum/mt-rl/s0';

/** Runs the recipe on servers of its own and returns the resulting plans and policies. */
function outcomeOf(disturb: (stack: WholeStack) => Promise<void>) {
  return WholeStack.using(async (stack) => {
    await stack.startExperiment('curriculum', recipe);
    await disturb(stack);
    return { policies: policiesOf(await stack.result('curriculum')), ...(await activitiesOf(stack)) };
  });
}

/**
 * Digests of the plans, in order, the activities that were started more than once, and the number of rollout rounds.
 */
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

it('draws the same examples and ends with the same policy after a kill and a resume', async () => {
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
  // The rewards of a barely trained judge rarely differ within a group: some steps needed a second round.
  expect(undisturbed.roundCount).toBeGreaterThan(4);
  expect(disturbed.roundCount).toBe(undisturbed.roundCount);
  // The kill hit a rollout.
  expect(disturbed.retried).toContain('rollout');
});
