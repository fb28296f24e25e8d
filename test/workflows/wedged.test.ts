/**
 * A run whose history no longer matches the workers' code never continues by itself: the verbs name it and can cancel
 * and resume it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, WorkflowIdReusePolicy } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { start } from '../../cli/temporal/experiments.ts';
import type { Stack } from '../../cli/temporal/stack.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { type Ended, mtrlWith } from '../support/commands.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { useStack } from '../support/stack.ts';
import { bundleFolder } from './bundle-folder.ts';
import { MadeUpActivities, planOf } from './made-up-activities.ts';

const servers = useStack();
const activities = new MadeUpActivities();
const plan = planOf({ arm: 'mt-rl', objective: 'grpo', stepCount: 6 });
activities.planned = { runs: [plan] };
// Keeps the run in the middle of its steps while the version changes.
let held = true;
activities.before = async (call) => {
  while (held && call.startsWith('optimize') && call.includes(' 2-')) await sleep(50);
};

let connection: NativeConnection;
let stack: Stack;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const { settings } = servers;
  const { address, namespace } = settings.temporal;
  connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  const client = new Client({ connection: clientConnection, namespace });
  stack = { settings, client, store: openArtifactStore(settings.s3) };
  const computing = await running({
    ...{ taskQueue: settings.taskQueues.compute, activities: { ...activities.compute } },
  });
  ends.push(
    computing,
    () => clientConnection.close(),
    () => connection.close(),
  );
});
afterAll(async () => {
  held = false;
  for (const end of ends) await end();
});

/** Starts a worker that polls; returns a function that stops it. */
async function running(options: Omit<Parameters<typeof Worker.create>[0], 'connection'>): Promise<() => Promise<void>> {
  const { namespace } = servers.settings.temporal;
  const worker = await Worker.create({ connection, namespace, shutdownForceTime: '2s', ...options });
  const done = worker.run();
  return async () => {
    worker.shutdown();
    await done;
  };
}

function controlWorker(codePath: string): Promise<() => Promise<void>> {
  const taskQueue = servers.settings.taskQueues.control;
  return running({ taskQueue, workflowBundle: { codePath }, activities: { ...activities.control } });
}

/** A bundle whose workflows schedule another activity where histories have `optimize`. */
async function anotherVersion(codePath: string): Promise<string> {
  const code = await readFile(codePath, 'utf8');
  const changed = code.replaceAll('compute.optimize.', 'compute.snapshot.');
  expect(changed).not.toBe(code);
  const path = join(servers.settings.home, 'another-version.js');
  await writeFile(path, changed);
  return path;
}

const requestOf = (experimentId: string) => ({ experimentId, ...loadRecipeFile('recipes/demo-quick.yaml', []) });
const mtrl = (...args: readonly string[]): Promise<Ended> => mtrlWith(servers.settings, args);
const statusOf = async (id: string) => (await stack.client.workflow.getHandle(id).describe()).status.name;

/**
 * An experiment in the middle of its steps whose run cannot continue with the current worker; returns a function that
 * stops the worker.
 */
async function wedged(experimentId: string): Promise<() => Promise<void>> {
  const codePath = await workflowBundle(bundleFolder);
  const endFirst = await controlWorker(codePath);
  held = true;
  activities.calls.length = 0;
  await start(stack, requestOf(experimentId), WorkflowIdReusePolicy.REJECT_DUPLICATE);
  const begun = () => activities.calls.some((call) => call.startsWith('optimize') && call.includes(' 2-'));
  await expect.poll(begun).toBe(true);
  await endFirst();
  const endSecond = await controlWorker(await anotherVersion(codePath));
  held = false;
  const attempts = async () => {
    const { raw } = await stack.client.workflow.getHandle(`${experimentId}/mt-rl/s0`).describe();
    return raw.pendingWorkflowTask?.attempt ?? 0;
  };
  await expect.poll(attempts).toBeGreaterThan(1);
  return endSecond;
}

it("status names the run and its task's failure, cancel terminates it and the experiment, resume starts again", async () => {
  const end = await wedged('wedged');
  const said = await mtrl('status', 'wedged');
  expect(said.out).toMatch(/wedged\/mt-rl\/s0 is stuck: its workflow task keeps failing \(.*TMPRL1100/);
  expect(said.out).toContain('cancel wedged');
  expect(JSON.parse((await mtrl('status', 'wedged', '--json')).out)).toMatchObject({
    failing: [{ workflowId: 'wedged/mt-rl/s0' }],
  });

  const cancelled = await mtrl('cancel', 'wedged');
  expect(cancelled).toMatchObject({ code: 0, err: '' });
  expect(cancelled.out).toContain('terminated wedged/mt-rl/s0');
  expect(await statusOf('wedged/mt-rl/s0')).toBe('TERMINATED');
  expect(await statusOf('wedged')).not.toBe('RUNNING');
  await end();

  const endLast = await controlWorker(await workflowBundle(bundleFolder));
  expect(await mtrl('resume', 'wedged')).toMatchObject({ code: 0 });
  await stack.client.workflow.result('wedged');
  await endLast();
});

it('an experiment that was terminated with such a run starts again, and the run is terminated', async () => {
  const end = await wedged('terminated');
  // As from the Web UI: the run gets a cancellation request that it cannot process.
  await stack.client.workflow.getHandle('terminated').terminate();
  await end();
  const endLast = await controlWorker(await workflowBundle(bundleFolder));
  const run = stack.client.workflow.getHandle('terminated/mt-rl/s0');
  const { runId } = await run.describe();
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await start(stack, requestOf('terminated'), WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY);
  expect(said.mock.calls.join()).toContain('terminated/mt-rl/s0 is stuck');
  said.mockRestore();
  await stack.client.workflow.result('terminated');
  expect((await stack.client.workflow.getHandle('terminated/mt-rl/s0', runId).describe()).status.name).toBe(
    'TERMINATED',
  );
  await endLast();
});
