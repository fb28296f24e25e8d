/**
 * A control worker that is killed just where a run continues as new: before the workflow task that does it, during it, or
 * before the new execution's first result. No step is lost or made twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { compiled } from '../support/compiled.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { useStack } from '../support/stack.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { bundleFolder } from './bundle-folder.ts';
import { MadeUpActivities, planOf } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

/** When to kill at a boundary: while its last activity runs, so many milliseconds after that, or in the next activity. */
const moments = ['before', 0, 5, 20, 'after'] as const;

const stack = useStack();
const compute = new MadeUpActivities();
/** Called in each activity on the policy, with the execution that asked for it. */
let onWork: (runId: string) => Promise<void> = () => Promise.resolve();
let client: Client;
let codePath: string;
let control: ChildProcess;
const ends: (() => Promise<unknown>)[] = [];

async function startControl(): Promise<void> {
  const { address, namespace } = stack.settings.temporal;
  const args = [compiled('test/workflows/control-worker.ts'), address, namespace, 'mtrl', codePath];
  control = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(required(control.stdout, 'its output'), 'data');
}

async function killControl(): Promise<void> {
  const exit = once(control, 'exit');
  control.kill('SIGKILL');
  await exit;
  await startControl();
}

beforeAll(async () => {
  Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const { address, namespace } = stack.settings.temporal;
  codePath = await workflowBundle(bundleFolder);
  const connection = await NativeConnection.connect({ address });
  const working =
    <I, R>(work: (input: I) => Promise<R>) =>
    async (input: I): Promise<R> => {
      const result = await work(input);
      await onWork(Context.current().info.workflowExecution?.runId ?? '');
      return result;
    };
  const { optimize, snapshot, ...others } = compute.compute;
  const worker = await Worker.create({
    ...{ connection, namespace, taskQueue: 'mtrl-compute' },
    activities: { ...others, optimize: working(optimize), snapshot: working(snapshot) },
  });
  const running = worker.run();
  client = new Client({ connection: await Connection.connect({ address }), namespace });
  await startControl();
  ends.push(async () => {
    worker.shutdown();
    await running;
    await client.connection.close();
    await connection.close();
    control.kill('SIGKILL');
  });
});
afterAll(() => Promise.all(ends.map((end) => end())));

/** Runs so many supervised steps, one an activity; returns the calls on the policy, and where the execution changed. */
async function callsOf(stepCount: number, at: (call: number) => Promise<void>) {
  const executions: string[] = [];
  const first = compute.calls.length;
  onWork = async (runId) => {
    executions.push(runId);
    await at(executions.length - 1);
  };
  const plan = planOf({
    arm: 'sft',
    objective: 'sft',
    stepCount,
    stepCountPerActivity: 1,
    snapshotEveryStepCount: 100,
  });
  const handle = await startRun(client, plan);
  await handle.result();
  const changes = executions.flatMap((runId, i) => (i > 0 && runId !== executions[i - 1] ? [i] : []));
  return { calls: compute.calls.slice(first), changes };
}

it('goes on without losing or repeating a step', async () => {
  const undisturbed = await callsOf(700, () => Promise.resolve());
  const [firstChange = 0, secondChange = 0] = undisturbed.changes;
  const period = secondChange - firstChange;
  expect(period).toBeGreaterThan(100);
  const boundaries = new Map(moments.map((moment, i) => [firstChange + i * period, moment]));
  const killed: (typeof moments)[number][] = [];
  const kills: Promise<void>[] = [];
  const stepCount = 350 * moments.length;
  const disturbed = await callsOf(stepCount, async (call) => {
    const ending = boundaries.get(call + 1);
    const begun = boundaries.get(call);
    const kill = async (moment: (typeof moments)[number]): Promise<void> => {
      killed.push(moment);
      await killControl();
    };
    if (begun === 'after' || ending === 'before') await kill(begun ?? 'before');
    // Not awaited: the activity answers, and the workflow task that follows is interrupted.
    else if (typeof ending === 'number') kills.push(sleep(ending).then(() => kill(ending)));
  });
  await Promise.all(kills);
  expect(killed).toEqual([...moments]);
  expect(disturbed.changes.slice(0, moments.length)).toEqual([...boundaries.keys()]);
  const steps = disturbed.calls.filter((call) => call.startsWith('optimize'));
  expect(steps.map((call) => call.split(' ')[2])).toEqual(
    Array.from({ length: stepCount }, (_, step) => `${String(step)}-${String(step + 1)}`),
  );
});
