/** Crashes do not change the result: a run in which every process is killed once, compared with an undisturbed one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EndedExperiment } from './whole-stack.ts';
import { repeatedActivities } from '../support/repeated-activities.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { policiesOf, WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 30, grpoStepCount: 24 });
// Changed pictures must be the same ones when an activity runs again, and a mean of snapshots is one more activity.
const augmentation = { technical: { cropMin: 0.8, flip: true, brightness: 0.2, noise: 0.05 } };
const recipe = {
  ...tiny,
  arms: Object.fromEntries(
    Object.entries(tiny.arms).map(([name, arm]) => [
      name,
      arm.objective === 'none' ? arm : { ...arm, augmentation, averagedSnapshotCount: 3 },
    ]),
  ),
};
const runId = 'disturbed/mt-rl/s0';

let undisturbed: EndedExperiment;
let stack: WholeStack;

beforeAll(async () => {
  undisturbed = await WholeStack.undisturbed(recipe);
  stack = await WholeStack.start();
});

afterAll(() => stack.stop());

it('completes with the same policy when every process is killed once', async () => {
  await stack.startExperiment('disturbed', recipe);
  await stack.stepReached(runId, 1);
  await stack.killDuring(runId, 'step');
  await stack.up();
  await stack.stepReached(runId, 6);
  stack.kill('temporal');
  await stack.up();
  await stack.stepReached(runId, 9);
  stack.kill('minio');
  await sleep(500);
  await stack.up();
  await stack.stepReached(runId, 12);
  stack.kill('control');
  await stack.up();
  await stack.stepReached(runId, 15);
  await stack.killDuring(runId, 'step');
  await stack.up();

  const result = await stack.result('disturbed');
  expect(policiesOf(result)).toEqual(policiesOf(undisturbed));
  expect(scoresOf(result)).toEqual(scoresOf(undisturbed));
  // Both kills hit a step.
  expect((await retriedActivities()).filter((type) => type === 'step').length).toBeGreaterThanOrEqual(2);
});

const scoresOf = ({ runs }: EndedExperiment) =>
  runs.flatMap(({ evaluations }) => evaluations.map(({ scores }) => scores));

/** From the history of the run. */
async function retriedActivities(): Promise<string[]> {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(runId).fetchHistory());
  return repeatedActivities(events);
}
