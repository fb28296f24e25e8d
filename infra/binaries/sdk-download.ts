/**
 * The Temporal CLI as its TypeScript SDK gets it. The SDK downloads only in order to start a server, so a child process
 * starts one and ends it at once; what stays is the binary. The download's own host is tried first, briefly: without a
 * network the SDK would retry for a long time.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isExecutable } from './locate.ts';
import type { Pin } from './pins.ts';

const host = 'https://temporal.download/';
const reachTimeoutMs = 5_000;
const downloadTimeoutMs = 180_000;

/** undefined when the host answers, else why it cannot be used. */
export async function whyNoDownload(): Promise<string | undefined> {
  try {
    const response = await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(reachTimeoutMs) });
    await response.body?.cancel();
    return undefined;
  } catch (error) {
    const { message, cause } = error as Error;
    return `${host} cannot be reached (${cause instanceof Error ? cause.message : message})`;
  }
}

export async function downloadWithSdk(pin: Pin, folder: string): Promise<string> {
  const downloads = join(folder, 'downloads');
  mkdirSync(downloads, { recursive: true });
  const self = fileURLToPath(import.meta.url);
  await promisify(execFile)(process.execPath, ['--import', 'tsx', self, downloads, `v${pin.version}`], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: downloadTimeoutMs,
  });
  const found = readdirSync(downloads, { recursive: true, encoding: 'utf8' })
    .map((name) => join(downloads, name))
    .find(isExecutable);
  if (found === undefined) throw new Error('the SDK produced no binary');
  const path = join(folder, pin.name);
  copyFileSync(found, path);
  return path;
}

async function main(downloadDir: string, version: string): Promise<void> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir, version } },
  });
  await environment.teardown();
}

const [, script, downloadDir, version] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href && downloadDir !== undefined) {
  await main(downloadDir, version ?? 'default');
}
