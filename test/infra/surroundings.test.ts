/**
 * An unhealthy environment pauses the worker, not the run: the worker stops polling until the environment is healthy.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { livingDaemon, pidFileOf, readDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import { choosePorts } from '../../infra/stack/ports.ts';
import { projectRoot } from '../../core/project.ts';
import type { StackSettings } from '../../infra/stack/settings.ts';
import { up } from '../../infra/stack/up.ts';
import { Surroundings } from '../../workers/surroundings.ts';
import { compiled } from '../support/compiled.ts';
import { useStack } from '../support/stack.ts';

const stack = useStack();
const silent = (): void => undefined;

/** What the proxy in front of the store does: reject every request for a skewed clock, break it, or forward it. */
let mode: 'skewed' | 'broken' | 'forward' = 'skewed';
let proxy: Server;
let endpoint: string;

beforeAll(async () => {
  const port = Number(new URL(stack.settings.s3.endpoint).port);
  proxy = createServer((incoming, outgoing) => {
    if (mode === 'broken') {
      incoming.destroy();
      return;
    }
    if (mode === 'skewed') {
      const body = '<Error><Code>RequestTimeTooSkewed</Code><Message>the clock is off</Message></Error>';
      outgoing.writeHead(403, { 'content-type': 'application/xml' }).end(body);
      return;
    }
    const { method, url, headers } = incoming;
    const forwarded = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  endpoint = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
});
afterAll(() => {
  proxy.close();
});

describe('a worker', () => {
  it('with a wrong clock polls nothing, reports why, and polls once the clock is right', async () => {
    mode = 'skewed';
    const [port = 0] = await choosePorts([undefined]);
    const home = mkdtempSync(join(tmpdir(), 'mtrl-skewed-'));
    const { temporal, s3 } = stack.settings;
    const worker: ChildProcess = spawn(process.execPath, [compiled('workers/control.ts')], {
      cwd: projectRoot,
      env: {
        ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], MTRL_HOME: home, MTRL_TASK_QUEUE: 'skewed' },
        ...{ TEMPORAL_ADDRESS: temporal.address, MTRL_S3_ENDPOINT: endpoint, MTRL_S3_BUCKET: s3.bucket },
        ...{ AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey },
        MTRL_HEALTH_ADDRESS: `127.0.0.1:${String(port)}`,
      },
      stdio: 'ignore',
    });
    const readiness = async (): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${String(port)}/readyz`).catch(() => undefined);
      return (await response?.text()) ?? '';
    };
    try {
      await expect.poll(readiness).toMatch(/not polling: .*the clock of this machine/);
      expect(readFileSync(join(home, 'run', 'control.waiting'), 'utf8')).toContain('RequestTimeTooSkewed');
      mode = 'forward';
      await expect.poll(readiness).toBe('ready\n');
      expect(existsSync(join(home, 'run', 'control.waiting'))).toBe(false);
    } finally {
      worker.kill('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    }
  });

  it('is unfit if its disk takes no file, and fit if all is well or the store is only unreachable', async () => {
    const { settings } = stack;
    const connection = await NativeConnection.connect({ address: settings.temporal.address });
    const folder = mkdtempSync(join(tmpdir(), 'mtrl-spool-'));
    try {
      const file = join(folder, 'file');
      writeFileSync(file, '');
      const unfitness = (of: StackSettings, spool: string) => new Surroundings(of, spool).unfitness(connection);
      expect(await unfitness(settings, folder)).toBeUndefined();
      expect(await unfitness(settings, join(file, 'spool'))).toContain('FILE_NOT_WRITABLE: the folder');
      const unreachable = { ...settings, s3: { ...settings.s3, endpoint: 'http://127.0.0.1:1' } };
      expect(await unfitness(unreachable, folder)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await connection.close();
    }
  });

  it('that was unfit stays so while the store does not answer: no answer is no proof of anything', async () => {
    const settings = { ...stack.settings, s3: { ...stack.settings.s3, endpoint } };
    const connection = await NativeConnection.connect({ address: settings.temporal.address });
    const surroundings = new Surroundings(settings, undefined);
    try {
      mode = 'broken';
      expect(await surroundings.unfitness(connection)).toBeUndefined();
      mode = 'skewed';
      expect(await surroundings.unfitness(connection)).toContain('CLOCK_SKEWED');
      mode = 'broken';
      expect(await surroundings.unfitness(connection)).toContain('CLOCK_SKEWED');
      mode = 'forward';
      expect(await surroundings.unfitness(connection)).toBeUndefined();
    } finally {
      await connection.close();
    }
  });

  it('whose pid file was emptied is replaced by a second one, and `down` leaves no orphan', async () => {
    const { home } = stack.settings;
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    const start = () => up({ workers: true, home, env, usualPorts: false, log: silent });
    await start();
    const first = livingDaemon(home, 'compute');
    truncateSync(pidFileOf(home, 'compute'));
    await start();
    expect(first && isAlive(first)).toBe(false);
    const second = readDaemon(home, 'compute');
    truncateSync(pidFileOf(home, 'compute'));
    await down({ home, log: silent });
    expect(second && isAlive(second)).toBe(false);
  });
});
