/** What a killed worker was doing is retried when the next one starts, although no heartbeat is missed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pino } from 'pino';
import { identify } from '../../infra/process/identity.ts';
import { OngoingActivities } from '../../workers/ongoing.ts';
import { bundled } from '../../workers/workflow-bundle.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { useStack } from '../support/stack.ts';

const servers = useStack();
const log = pino({ level: 'silent' });
const taskQueue = 'working';
/** Of a process that has ended. */
const killed = { pid: spawnSync('true').pid, startTime: 'before' };

let client: Client;
let endFirstAttempt: () => void;
const firstAttempt = new Promise<void>((resolve) => {
  endFirstAttempt = resolve;
});
const ends: (() => Promise<unknown>)[] = [];
const folder = (): string => join(servers.settings.home, 'ongoing');

beforeAll(async () => {
  Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const { address, namespace } = servers.settings.temporal;
  const [connection, clientConnection] = [
    await NativeConnection.connect({ address }),
    await Connection.connect({ address }),
  ];
  client = new Client({ connection: clientConnection, namespace });
  const ongoing = new OngoingActivities(servers.settings.home, log, killed);
  const worker = await Worker.create({
    ...{ connection, namespace, taskQueue, shutdownForceTime: '2s' },
    workflowBundle: { code: await bundled(join(import.meta.dirname, 'working.ts')) },
    activities: {
      work: async () => {
        const { attempt } = Context.current().info;
        if (attempt === 1) await firstAttempt;
        return `attempt ${String(attempt)}`;
      },
    },
    interceptors: { activity: [(context) => ({ inbound: ongoing.interceptor(context) })] },
  });
  const running = worker.run();
  ends.push(
    () => {
      worker.shutdown();
      return running;
    },
    () => clientConnection.close(),
    () => connection.close(),
  );
});
afterAll(async () => {
  endFirstAttempt();
  for (const end of ends) await end();
});

it('is retried at once', async () => {
  const handle = await client.workflow.start('working', { workflowId: 'interrupted', taskQueue });
  await expect.poll(noted).toHaveLength(1);
  await new OngoingActivities(servers.settings.home, log).reportLeft(servers.settings.temporal);
  expect(await handle.result()).toBe('attempt 2');
  expect(JSON.stringify(await handle.fetchHistory())).toContain('WORKER_KILLED');
  expect(noted()).toEqual([]);
});

it('leaves alone what other processes do, here and on other machines, and removes what nobody can read', async () => {
  const by = identify(process.pid);
  const token = Buffer.from('none').toString('base64');
  const note = { by, activity: 'work', attempt: 1, token };
  mkdirSync(folder(), { recursive: true });
  const write = (name: string, text: string): void => {
    writeFileSync(join(folder(), name), text);
  };
  write('here.json', JSON.stringify({ ...note, host: hostname() }));
  write('elsewhere.json', JSON.stringify({ ...note, host: 'elsewhere', by: killed }));
  write('cut-off.json', '{"host":');
  await new OngoingActivities(servers.settings.home, log).reportLeft(servers.settings.temporal);
  expect(noted().sort()).toEqual(['elsewhere.json', 'here.json']);
});

it('that has ended meanwhile is forgotten', async () => {
  const handle = await client.workflow.start('working', { workflowId: 'ended', taskQueue });
  await expect.poll(() => noted().filter((name) => name.startsWith(String(killed.pid)))).toHaveLength(1);
  await handle.terminate();
  await new OngoingActivities(servers.settings.home, log).reportLeft(servers.settings.temporal);
  expect(noted().filter((name) => name.startsWith(String(killed.pid)))).toEqual([]);
});

function noted(): string[] {
  try {
    return readdirSync(folder());
  } catch {
    return [];
  }
}
