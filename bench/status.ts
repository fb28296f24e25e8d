/**
 * `npm run bench -- status`: the time that `mtrl status` takes with 1,000 closed experiments in the namespace, on
 * servers of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { down } from '../infra/stack/down.ts';
import { projectRoot } from '../core/project.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { withTemporalClient } from '../infra/stack/temporal-client.ts';
import { up } from '../infra/stack/up.ts';
import { median, rounded } from './statistics.ts';

const experimentCount = 1_000;
const atOnceCount = 50;
const repetitionCount = 9;

export async function bench(log: (line: string) => void) {
  const home = await mkdtemp(join(tmpdir(), 'mtrl-bench-'));
  try {
    const env = { HOME: process.env['HOME'], PATH: process.env['PATH'] };
    const settings = await up({ workers: false, home, env, usualPorts: false, log });
    await endExperiments(settings, log);
    const waitsMs: number[] = [];
    // The first call reads the program from disk.
    for (let i = 0; i <= repetitionCount; i++) {
      const waitMs = await status(home);
      if (i > 0) waitsMs.push(waitMs);
      log(`${String(Math.round(waitMs))} ms`);
    }
    const [shortestMs, longestMs] = [Math.min(...waitsMs), Math.max(...waitsMs)].map(rounded);
    return {
      experimentCount,
      repetitionCount,
      medianMs: rounded(median(waitsMs)),
      shortestMs,
      longestMs,
      limitMs: 1_000,
    };
  } finally {
    await down({ home, graceMs: 2_000, log: () => undefined });
    await rm(home, { recursive: true, force: true });
  }
}

/** Starts and terminates experiments without workers: no workflow task runs. */
async function endExperiments({ temporal }: StackSettings, log: (line: string) => void): Promise<void> {
  await withTemporalClient(temporal, async (client) => {
    const one = async (i: number): Promise<void> => {
      const handle = await client.workflow.start('experiment', {
        workflowId: `ended-${String(i)}`,
        taskQueue: 'nobody',
        args: [{}],
      });
      await handle.terminate();
    };
    for (let from = 0; from < experimentCount; from += atOnceCount)
      await Promise.all(Array.from({ length: atOnceCount }, (_, i) => one(from + i)));
  });
  log(`${String(experimentCount)} experiments have ended`);
}

/** Wall time of the whole command, in milliseconds. */
function status(home: string): Promise<number> {
  const startedAtMs = performance.now();
  const args = [join(projectRoot, 'infra', 'bootstrap.mjs'), 'mtrl', 'status', '--json'];
  const env = { HOME: process.env['HOME'], PATH: process.env['PATH'], MTRL_HOME: home };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  return new Promise((resolve, failed) => {
    child.on('error', failed);
    child.on('close', () => {
      const waitMs = performance.now() - startedAtMs;
      const listed = JSON.parse(out) as readonly unknown[];
      assert(listed.length > 0, 'status lists nothing');
      resolve(waitMs);
    });
  });
}
