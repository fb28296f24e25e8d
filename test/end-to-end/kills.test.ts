/** Whatever dies on the way changes no bit of the result: a run with everything killed once, against one that was left alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunProgress } from '../../workflows/progress.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const recipe = tinyRecipe({ sftStepCount: 30, grpoStepCount: 24 });
const runId = 'disturbed/mt-rl/s0';

let undisturbed: Awaited<ReturnType<WholeStack['result']>>;
let stack: WholeStack;

beforeAll(async () => {
  const quiet = await WholeStack.start();
  try {
    await quiet.startExperiment('undisturbed', recipe);
    undisturbed = await quiet.result('undisturbed');
  } finally {
    await quiet.stop();
  }
  stack = await WholeStack.start();
}, 150_000);

afterAll(() => stack.stop(), 30_000);

it('ends by itself with the same policy when everything is killed once on the way', async () => {
  await stack.startExperiment('disturbed', recipe);
  await stepReached(1);
  await stack.killDuring(runId, 'rollout');
  await stack.up();
  await stepReached(6);
  stack.kill('temporal');
  await stack.up();
  await stepReached(9);
  stack.kill('minio');
  await sleep(500);
  await stack.up();
  await stepReached(12);
  stack.kill('control');
  await stack.up();
  await stepReached(15);
  await stack.killDuring(runId, 'optimize');
  await stack.up();

  const result = await stack.result('disturbed');
  expect(policiesOf(result)).toEqual(policiesOf(undisturbed));
  expect(scoresOf(result)).toEqual(scoresOf(undisturbed));
  // The kills did hit what they were meant for.
  const retried = await retriedActivities();
  expect(retried).toContain('rollout');
  expect(retried).toContain('optimize');
}, 170_000);

type Result = typeof undisturbed;
const policiesOf = ({ runs }: Result) => runs.map(({ plan, checkpoint }) => [plan.runName, checkpoint.sha256]);
const scoresOf = ({ runs }: Result) => runs.flatMap(({ evaluations }) => evaluations.map(({ scores }) => scores));

async function stepReached(step: number): Promise<void> {
  const reached = (): Promise<number> =>
    stack.withClient(async (client) => (await client.workflow.getHandle(runId).query<RunProgress>('progress')).step);
  for (;;) {
    // While servers and workers come and go a question may find nobody.
    const found = await reached().catch(() => -1);
    if (found >= step) return;
    await sleep(50);
  }
}

/** Types of the activities that were started more than once, by the history of the run. */
async function retriedActivities(): Promise<string[]> {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(runId).fetchHistory());
  const types = new Map<string, string>();
  const retried: string[] = [];
  for (const {
    eventId,
    activityTaskScheduledEventAttributes: scheduled,
    activityTaskStartedEventAttributes: started,
  } of events ?? []) {
    if (scheduled?.activityType?.name) types.set(String(eventId), scheduled.activityType.name);
    if (started && (started.attempt ?? 1) > 1) retried.push(types.get(String(started.scheduledEventId)) ?? '');
  }
  return retried;
}
