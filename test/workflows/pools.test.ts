/** Each part of an experiment goes to the task queue of its pool, and a pool without a worker is named. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { unpolledQueues, unpolledText, workflowsOf } from '../../infra/stack/unpolled-queues.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';

const harness = useWorkflows();
const taskQueues = { control: 'mtrl', compute: 'mtrl-compute' };
const pools = { rollouts: 'sampling', training: 'gpu', evaluation: 'cheap' };

it('sends rollouts, training and evaluation to the pools that the recipe names', async () => {
  const { client, activities, temporal } = harness;
  const connection = await NativeConnection.connect({ address: temporal.address });
  const validation = { everyStepCount: 2, split: 'val', tasks: ['a'], metric: 'macroF1', improvementMin: 0 } as const;
  const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 2, averagedSnapshotCount: 2, pools });
  const validated = planOf({ arm: 'val', objective: 'sft', stepCount: 2, from: 'rl/s0', validation, pools });
  const handle = await client.workflow.start('experiment', {
    ...{ workflowId: 'pooled', taskQueue: 'mtrl', args: [{ runs: [plan, validated], pools }] },
  });
  const unpolled = () => unpolledQueues(client, workflowsOf({ taskQueues }));
  // The initial policy is for the pool that trains.
  const waiting = { taskQueue: 'mtrl-compute-gpu', waitingCount: 1 };
  await expect.poll(unpolled).toEqual([waiting]);
  expect(unpolledText(waiting, taskQueues)).toBe(
    'no worker polls task queue mtrl-compute-gpu, where 1 task waits; start one with `MTRL_POOL=gpu node dist/workers/compute.js`',
  );
  const workers = await Promise.all(
    Object.values(pools).map((pool) =>
      Worker.create({
        ...{ connection, namespace: temporal.namespace, taskQueue: `mtrl-compute-${pool}` },
        activities: { ...activities.compute },
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  try {
    await handle.result();
    expect(await unpolled()).toEqual([]);
    const queues = new Map<string, Set<string>>();
    for (const id of ['pooled', ...['rl/s0', 'val/s0'].flatMap((run) => [`pooled/${run}`, `pooled/${run}/evaluate`])]) {
      const { events } = await client.workflow.getHandle(id).fetchHistory();
      for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
        const name = scheduled?.activityType?.name;
        if (name !== undefined && name !== null)
          queues.set(name, (queues.get(name) ?? new Set()).add(scheduled?.taskQueue?.name ?? ''));
      }
    }
    const [sampling, gpu, cheap] = Object.values(pools).map((pool) => `mtrl-compute-${pool}`);
    expect(Object.fromEntries([...queues].map(([name, at]) => [name, [...at]]))).toEqual({
      ...Object.fromEntries(
        ['importPolicy', 'admit', 'findRun', 'keepRun', 'optimize', 'snapshot', 'averageSnapshots'].map((name) => [
          name,
          [gpu],
        ]),
      ),
      ...{ rollout: [sampling], evaluate: [cheap] },
      ...Object.fromEntries(
        ['prepare', 'ingest', 'mix', 'reward', 'keepEvaluations', 'pixelBaselines', 'report'].map((name) => [
          name,
          ['mtrl'],
        ]),
      ),
    });
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
    await connection.close();
  }
});
