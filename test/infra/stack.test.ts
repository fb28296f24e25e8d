import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { readDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import { conditionalWrites } from '../../infra/stack/conditional-writes.ts';
import { minioServer, storeClient } from '../../infra/stack/minio.ts';
import { missingSearchAttributes, withConnection } from '../../infra/stack/temporal.ts';
import { up } from '../../infra/stack/up.ts';
import { useStack } from '../support/stack.ts';

const servers = ['temporal', 'minio'] as const;

describe('the local stack', () => {
  const stack = useStack();
  const pidOf = (name: string) => readDaemon(stack.settings.home, name)?.pid;

  async function startWorkflow(workflowId: string): Promise<void> {
    const { temporal } = stack.settings;
    await withConnection(temporal, 5_000, async (connection) => {
      const client = new Client({ connection, namespace: temporal.namespace });
      await client.workflow.start('nobody-runs-this', { taskQueue: 'none', workflowId });
    });
  }

  async function statusOf(workflowId: string): Promise<string> {
    const { temporal } = stack.settings;
    return withConnection(temporal, 5_000, async (connection) => {
      const client = new Client({ connection, namespace: temporal.namespace });
      return (await client.workflow.getHandle(workflowId).describe()).status.name;
    });
  }

  it('has its namespace, search attributes, retention and bucket', async () => {
    const { temporal, s3 } = stack.settings;
    await withConnection(temporal, 5_000, async (connection) => {
      expect(await missingSearchAttributes(connection, temporal.namespace)).toEqual([]);
      const { config } = await connection.workflowService.describeNamespace({ namespace: temporal.namespace });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBeGreaterThanOrEqual(720 * 3600);
    });
    expect(await storeClient(s3).bucketExists(s3.bucket)).toBe(true);
    expect(await conditionalWrites(s3)).toEqual({ ifNoneMatch: true, ifMatch: true });
    const ui = await fetch(temporal.uiUrl ?? '');
    expect(ui.status).toBe(200);
  });

  it('is left unchanged by another `up`, and by two concurrent ones', async () => {
    const before = servers.map(pidOf);
    const [first, second] = await Promise.all([stack.up(), stack.up()]);
    expect([first, second]).toEqual([stack.settings, stack.settings]);
    expect(servers.map(pidOf)).toEqual(before);
  });

  it('comes back after kill -9 on the same ports, with its data', async () => {
    const { s3 } = stack.settings;
    await startWorkflow('before-kill');
    await storeClient(s3).putObject(s3.bucket, 'before-kill', 'kept');
    const before = servers.map(pidOf);
    for (const pid of before) process.kill(required(pid, 'a pid'), 'SIGKILL');

    expect(await stack.up()).toEqual(stack.settings);
    for (const [index, name] of servers.entries()) expect(pidOf(name)).not.toBe(before[index]);
    expect(await statusOf('before-kill')).toBe('RUNNING');
    expect((await storeClient(s3).statObject(s3.bucket, 'before-kill')).size).toBe(4);
  });

  it('replaces a server that hangs', async () => {
    const before = required(pidOf('minio'), 'the pid of minio');
    process.kill(before, 'SIGSTOP');
    const { home } = stack.settings;
    await up({ workers: false, home, env: {}, usualPorts: false, answerTimeoutMs: 500, log: () => undefined });
    expect(pidOf('minio')).not.toBe(before);
    expect(await conditionalWrites(stack.settings.s3)).toEqual({ ifNoneMatch: true, ifMatch: true });
  });

  it('knows a store that stops between two answers for one that hangs', async () => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/minio/health/') === true) response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const target = { ...stack.settings.s3, endpoint: `http://127.0.0.1:${String(port)}` };
    const ports = { port, consolePort: port };
    try {
      const { probe } = minioServer(stack.settings.home, target, ports, {}, () => undefined);
      await expect(probe(500)).rejects.toThrow('no answer for 0.5 s');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('stops with `down` and starts again unchanged', async () => {
    const records = servers.map((name) => readDaemon(stack.settings.home, name));
    const lines: string[] = [];
    await down({ home: stack.settings.home, log: (line) => lines.push(line) });
    expect(lines.toSorted()).toEqual(['minio stopped', 'temporal stopped']);
    expect(records.some((record) => record && isAlive(record))).toBe(false);

    expect(await stack.up()).toEqual(stack.settings);
    expect(await statusOf('before-kill')).toBe('RUNNING');
  });

  describe('with servers run by someone else', () => {
    const other: { home?: string } = {};
    afterAll(async () => {
      if (other.home !== undefined) await down({ home: other.home, log: () => undefined });
    });

    it('starts none of its own and reports which it uses', async () => {
      const { temporal, s3, home } = stack.settings;
      other.home = `${home}/other`;
      const lines: string[] = [];
      const env = {
        TEMPORAL_ADDRESS: temporal.address,
        MTRL_S3_ENDPOINT: s3.endpoint,
        AWS_ACCESS_KEY_ID: s3.accessKey,
        AWS_SECRET_ACCESS_KEY: s3.secretKey,
      };
      await up({ workers: false, home: other.home, env, log: (line) => lines.push(line) });
      expect(lines.toSorted()).toEqual([`using Temporal at ${temporal.address}`, `using the store at ${s3.endpoint}`]);
      expect(servers.map((name) => readDaemon(`${home}/other`, name))).toEqual([undefined, undefined]);
    });

    it('names the one that is down', async () => {
      const down = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
      await expect(
        up({
          workers: false,
          home: `${stack.settings.home}/other`,
          usualPorts: false,
          env: down,
          log: () => undefined,
        }),
      ).rejects.toMatchObject({
        code: 'TEMPORAL_UNREACHABLE',
        details: { where: '127.0.0.1:1, namespace default', found: expect.stringContaining('ECONNREFUSED') as string },
      });

      const { temporal, s3, home } = stack.settings;
      const aws = { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: 'wrong' };
      const startWith = (env: Record<string, string>) =>
        up({ workers: false, home: `${home}/other`, usualPorts: false, env, log: () => undefined });
      const TEMPORAL_ADDRESS = temporal.address;
      await expect(startWith({ TEMPORAL_ADDRESS, MTRL_S3_ENDPOINT: s3.endpoint, ...aws })).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        details: { where: `${s3.endpoint}, bucket ${s3.bucket}` },
      });
      await expect(
        startWith({ TEMPORAL_ADDRESS, MTRL_S3_ENDPOINT: 'http://127.0.0.1:1', ...aws }),
      ).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
      });
    });
  });

  it('recognizes that a process has exited', async () => {
    const pid = required(pidOf('minio'), 'the pid of minio');
    process.kill(pid, 'SIGKILL');
    await sleep(200);
    const record = readDaemon(stack.settings.home, 'minio');
    expect(record && isAlive(record)).toBe(false);
  });
});
