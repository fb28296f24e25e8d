/**
 * Queries must not change a run: two control workers are killed at seeded times while queries run.
 * The long version: MTRL_CHAOS_RUNS=50 npx vitest run test/workflows/query-chaos.test.ts
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { RandomStream } from './random-stream.ts';
import { compiled } from '../support/compiled.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { useStack } from '../support/stack.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { bundleFolder } from './bundle-folder.ts';
import { MadeUpActivities, planOf } from './made-up-activities.ts';

const runCount = Number(process.env['MTRL_CHAOS_RUNS'] ?? 2);
const stack = useStack();
const taskQueue = 'chaos';

it(
  `completes ${String(runCount)} experiments under queries and kills, and every history replays`,
  async () => {
    Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    const { address, namespace } = stack.settings.temporal;
    const codePath = await workflowBundle(bundleFolder);
    const file = compiled('test/workflows/control-worker.ts');
    const connection = await NativeConnection.connect({ address });
    const { compute } = new MadeUpActivities();
    const optimize = async (input: Parameters<typeof compute.optimize>[0]) => {
      await sleep(300);
      return compute.optimize(input);
    };
    const worker = await Worker.create({
      ...{ connection, namespace, taskQueue: `${taskQueue}-compute`, activities: { ...compute, optimize } },
    });
    const computing = worker.run();
    const client = new Client({ connection: await Connection.connect({ address }), namespace });
    const chaos = new AbortController();
    const going = [0, 1].map((seed) =>
      killAgainAndAgain(seed, [file, address, namespace, taskQueue, codePath], chaos.signal),
    );
    try {
      for (let i = 0; i < runCount; i++) {
        const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: 10, snapshotEveryStepCount: 5 });
        const workflowId = `chaos-${String(i)}`;
        const handle = await client.workflow.start('experiment', { workflowId, taskQueue, args: [{ runs: [plan] }] });
        const ended = new AbortController();
        const looking = [workflowId, `${workflowId}/rl/s0`].map((id) => look(client, id, ended.signal));
        await handle.result();
        ended.abort();
        await Promise.all(looking);
        for (const id of [workflowId, `${workflowId}/rl/s0`, `${workflowId}/rl/s0/evaluate`]) {
          const history = await client.workflow.getHandle(id).fetchHistory();
          await expect(Worker.runReplayHistory({ workflowBundle: { codePath } }, history, id)).resolves.toBeUndefined();
        }
      }
    } finally {
      chaos.abort();
      await Promise.all(going);
      worker.shutdown();
      await computing;
      await client.connection.close();
      await connection.close();
    }
  },
  900_000 + runCount * 120_000,
);

async function killAgainAndAgain(seed: number, args: readonly string[], ended: AbortSignal): Promise<void> {
  const random = new RandomStream(seed);
  while (!ended.aborted) {
    const child = spawnWorker(args);
    await new Promise((polls) => child.stdout?.once('data', polls).once('close', polls));
    await sleep(3_000 + random.below(7_000), undefined, { signal: ended }).catch(() => undefined);
    child.kill('SIGKILL');
  }
}

function spawnWorker(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function look(client: Client, workflowId: string, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const ask = () => client.workflow.getHandle(workflowId).query('progress');
    await client.withDeadline(Date.now() + 2_000, ask).catch(() => undefined);
    await sleep(100);
  }
}
