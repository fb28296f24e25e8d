/**
 * A versitygw server over a temporary folder: an S3 server beside MinIO that the store is held against.
 *
 * const second = await needVersitygw();
 * describe.skipIf(second.isMissing)('...', () => { const server = useVersitygw(second); ... });
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { ensureBucket, makeCredentials } from '../../infra/stack/minio.ts';
import { choosePorts, host } from '../../infra/stack/ports.ts';
import type { StoreSettings } from '../../infra/stack/s3-settings.ts';
import type { Need } from './needs.ts';
import { anew } from './stack.ts';

const startTimeoutMs = 60_000;

export function useVersitygw({ found: binary }: Need<string>): { readonly settings: StoreSettings } {
  let server: Awaited<ReturnType<typeof start>> | undefined;
  beforeAll(async () => {
    if (binary !== undefined) server = await anew(() => start(binary));
  });
  afterAll(() => server?.stop());
  return {
    get settings() {
      if (!server) throw new Error('the server is there only inside tests and hooks');
      return server.settings;
    },
  };
}

async function start(binary: string) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-versitygw-'));
  const [data, sidecar] = [join(folder, 'data'), join(folder, 'metadata')];
  for (const each of [data, sidecar]) await mkdir(each);
  const [port = 0] = await choosePorts([undefined]);
  const credentials = makeCredentials();
  const settings: StoreSettings = {
    ...{ endpoint: `http://${host}:${String(port)}`, ...credentials },
    ...{ bucket: 'mtrl', region: 'us-east-1', consoleUrl: undefined },
  };
  const gateway = ['--port', `${host}:${String(port)}`, '--region', settings.region, '--quiet'];
  // Metadata in files: not every temporary folder has extended attributes.
  const child = spawn(binary, [...gateway, 'posix', '--sidecar', sidecar, data], {
    env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: credentials.accessKey, ROOT_SECRET_KEY: credentials.secretKey },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-2_000)));
  const stop = async (): Promise<void> => {
    const isRunning = child.exitCode === null && child.kill('SIGKILL');
    if (isRunning) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      await ensureBucket(settings, false);
      return { settings, stop };
    } catch (error) {
      if (child.exitCode === null && Date.now() < deadline) {
        await sleep(100);
        continue;
      }
      await stop();
      throw new Error(`versitygw did not start: ${log}`, { cause: error });
    }
  }
}
