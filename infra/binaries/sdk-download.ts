/**
 * Downloads the Temporal CLI through its TypeScript SDK. The SDK downloads only in order to start a server, so a child
 * process starts one and stops it at once; the binary remains. The download host is probed first with a short timeout:
 * without a network the SDK would retry for a long time.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';
import { isExecutable } from './locate.ts';
import type { Pin } from './pins.ts';

const host = 'https://temporal.download/';
const reachTimeoutMs = 5_000;
const downloadTimeoutMs = 180_000;

/** undefined if the host answers, else why it cannot be used. */
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
  const { path, execArgv } = programAt(new URL(import.meta.url));
  await promisify(execFile)(process.execPath, [...execArgv, path, downloads, `v${pin.version}`], {
    cwd: projectRoot,
    timeout: downloadTimeoutMs,
  });
  const found = readdirSync(downloads, { recursive: true, encoding: 'utf8' })
    .map((name) => join(downloads, name))
    .find(isExecutable);
  if (found === undefined) throw new Error('the SDK left no binary behind');
  const kept = join(folder, pin.name);
  copyFileSync(found, kept);
  return kept;
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
