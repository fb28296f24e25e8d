/** Work on a run's policy goes to the worker that holds it, and elsewhere if that one is gone or fails. */
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArmPlan } from '../../contract/activities.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();
const [shared, own] = ['mtrl-compute', 'mtrl-compute@own'];

/** Activity types and task queues, in the order in which the run schedules them. */
async function scheduledBy(plan: ArmPlan): Promise<(readonly [string, string])[]> {
  const handle = await startRun(harness.client, plan);
  await handle.result();
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const [name, queue] = [scheduled?.activityType?.name ?? '', scheduled?.taskQueue?.name ?? ''];
    return ['step', 'optimize', 'snapshot', 'rollout'].includes(name) ? [[name, queue] as const] : [];
  });
}

beforeEach(() => {
  harness.activities.heldBy = own;
});

describe('while the worker is there', () => {
  let end: () => Promise<unknown> = () => Promise.resolve();
  /** Throws for an activity of that worker. */
  let failing: (() => void) | undefined;

  beforeEach(async () => {
    failing = undefined;
    const { activities, temporal } = harness;
    const connection = await NativeConnection.connect({ address: temporal.address });
    const { compute } = activities;
    const forwarded = Object.fromEntries(
      Object.entries(compute).map(([name, run]) => [
        name,
        (input: never) => {
          failing?.();
          return (run as (given: never) => Promise<unknown>)(input);
        },
      ]),
    );
    const worker = await Worker.create({
      ...{ connection, namespace: temporal.namespace, taskQueue: own, activities: forwarded },
    });
    const running = worker.run();
    end = async () => {
      worker.shutdown();
      await running;
      await connection.close();
    };
  });
  afterEach(() => end());

  it('it gets the steps and snapshots after the first step', async () => {
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 3, stepInOneActivity: true });
    expect(await scheduledBy(plan)).toEqual([
      ['step', shared],
      ['step', own],
      ['snapshot', own],
      ['step', own],
      ['snapshot', own],
    ]);
  });

  it('it gets updates, while the rollouts of a step are for all workers', async () => {
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 2, rolloutShardCount: 2 });
    const both = [
      ['rollout', shared],
      ['rollout', shared],
    ];
    expect(await scheduledBy(plan)).toEqual([
      ...both,
      ['optimize', shared],
      ...both,
      ['optimize', own],
      ['snapshot', own],
    ]);
  });

  it('it gets no more if nothing was computed', async () => {
    harness.activities.heldBy = undefined;
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 2, stepInOneActivity: true });
    expect((await scheduledBy(plan)).map(([, queue]) => queue)).toEqual([shared, shared, shared]);
  });

  it('another worker repeats what fails there and may be repeated', async () => {
    let count = 0;
    failing = () => {
      if (count++ === 0) throw ApplicationFailure.create({ type: 'COMPUTE_CRASHED', message: 'gone' });
    };
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 2, stepInOneActivity: true });
    expect(await scheduledBy(plan)).toEqual([
      ['step', shared],
      ['step', own],
      ['step', shared],
      ['snapshot', own],
    ]);
  });

  it('the run fails with what must not be repeated', async () => {
    failing = () => {
      throw ApplicationFailure.create({ type: 'NON_FINITE', message: 'bad', nonRetryable: true });
    };
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 2, stepInOneActivity: true });
    await expect(scheduledBy(plan)).rejects.toMatchObject({ cause: { type: 'NON_FINITE' } });
    expect(harness.activities.calls.filter((call) => call.startsWith('optimize'))).toHaveLength(1);
  });
});

it('goes to another worker if that one is gone', async () => {
  const plan = planOf({ arm: 'sft', objective: 'sft', stepCount: 2, stepCountPerActivity: 2 });
  expect(await scheduledBy(plan)).toEqual([
    ['optimize', shared],
    ['snapshot', own],
    ['snapshot', shared],
  ]);
});
