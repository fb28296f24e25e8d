/** Runs whose rollouts of the next step are sampled while a step trains: on a real server, with made-up activities. */
import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { ArmPlan, RolloutInput } from '../../contract/activities.ts';
import type { OptimizeInput } from '../../contract/optimize.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();
const ahead = (changes: Partial<ArmPlan>): ArmPlan =>
  planOf({ arm: 'rl', objective: 'rl', samplesAhead: true, ...changes });

/** Lets neither activity answer before the other one runs. */
function together(...wanted: readonly string[]): (call: string) => Promise<void> {
  const { activities } = harness;
  return async (call) => {
    if (wanted.includes(call)) await expect.poll(() => activities.calls).toEqual(expect.arrayContaining([...wanted]));
  };
}

/** Inputs of the activities of a type, in the order in which they were scheduled. */
async function inputsOf<T>(handle: Awaited<ReturnType<typeof startRun>>, type: string): Promise<T[]> {
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  return scheduled
    .filter(({ activityType }) => activityType?.name === type)
    .flatMap(({ input }) => (input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload<T>(payload)));
}

const policyOf = ({ policy }: RolloutInput | OptimizeInput) => [policy.snapshot, policy.log.length];

it('are of the policy that the step before begins with, and run at the same time as its update', async () => {
  harness.activities.before = together('rollout 2 1/1', 'optimize rl 1-2 after 1');
  const handle = await startRun(harness.client, ahead({ stepCount: 4 }));
  const { last, cache } = await handle.result();
  expect((await inputsOf<RolloutInput>(handle, 'rollout')).map((input) => [input.step, ...policyOf(input)])).toEqual([
    [0, refTo('base'), 0],
    [1, refTo('base'), 0],
    [2, refTo('base'), 1],
    [3, refTo('snapshot 2'), 0],
  ]);
  const updates = await inputsOf<OptimizeInput>(handle, 'optimize');
  expect(updates.map((input) => [input.stalenessStepCount, ...policyOf(input)])).toEqual([
    [0, refTo('base'), 0],
    [1, refTo('base'), 1],
    [1, refTo('snapshot 2'), 0],
    [1, refTo('snapshot 2'), 1],
  ]);
  expect(updates.map(({ rollouts }) => rollouts)).toEqual(
    [0, 1, 2, 3].map((step) => [refTo(`rollouts ${String(step)} 1/1`)]),
  );
  expect(last).toMatchObject({ step: 3, stalenessStepCount: 1 });
  expect(cache).toEqual({ hits: 0, misses: 15 });
});

it('pass to the next execution when the run continues as new', async () => {
  const handle = await startRun(harness.client, ahead({ stepCount: 3 }));
  harness.activities.before = async (call) => {
    // Messages count like activities: these alone make the history long enough.
    if (call === 'optimize rl 0-1 after 0')
      await Promise.all(Array.from({ length: 330 }, () => handle.signal('resume')));
  };
  const { last } = await handle.result();
  expect((await handle.describe()).runId).not.toBe(handle.firstExecutionRunId);
  const sampled = harness.activities.calls.filter((call) => call.startsWith('rollout'));
  expect(sampled).toEqual(['rollout 0 1/1', 'rollout 1 1/1', 'rollout 2 1/1']);
  expect(last).toMatchObject({ step: 2, stalenessStepCount: 1 });
});

it('are dropped if an operator ends the run before the step', async () => {
  const handle = await startRun(harness.client, ahead({ stepCount: 9 }));
  const both = together('rollout 2 1/1', 'optimize rl 1-2 after 1');
  harness.activities.before = async (call) => {
    await both(call);
    if (call === 'optimize rl 1-2 after 1') await handle.executeUpdate('stopAfterStep');
  };
  const { summary } = await handle.result();
  expect(summary.plan.stepCount).toBe(2);
  expect(harness.activities.calls).toContain('rollout 2 1/1');
  expect(harness.activities.calls).not.toContain('optimize rl 2-3 after 0');
});

it('of the first step of a curriculum’s segment wait for the plan, and are of the newest policy', async () => {
  const handle = await startRun(harness.client, ahead({ stepCount: 4, replanEveryStepCount: 2 }));
  await handle.result();
  const updates = await inputsOf<OptimizeInput>(handle, 'optimize');
  expect(updates.map(({ stalenessStepCount }) => stalenessStepCount)).toEqual([0, 1, 0, 1]);
});

it('fail their own step, and not the one that trains', async () => {
  harness.activities.before = (call) => {
    if (call === 'rollout 1 1/1') throw ApplicationFailure.nonRetryable('no such prompt', 'INVARIANT');
  };
  const handle = await startRun(harness.client, ahead({ stepCount: 3 }));
  const error: unknown = await handle.result().catch((failure: unknown) => failure);
  expect((error as WorkflowFailedError).cause).toMatchObject({ message: 'rl/s0, step 1: no such prompt' });
  expect(harness.activities.calls).toContain('optimize rl 0-1 after 0');
});
