/** Servers and a control worker for one bench, under a home that is deleted afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheRoot } from '../infra/binaries/cache.ts';
import { down } from '../infra/stack/down.ts';
import { childEnv, type StackSettings } from '../infra/stack/settings.ts';
import { up } from '../infra/stack/up.ts';
import { ensureWorker } from '../infra/stack/workers.ts';
import { workflowBundle } from '../workers/workflow-bundle.ts';

export interface ControlStack {
  readonly home: string;
  readonly settings: StackSettings;
}

/** @param name part of the name of the home, a temporary folder */
export async function withControlStack<T>(
  name: string,
  log: (line: string) => void,
  body: (stack: ControlStack) => Promise<T>,
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), `mtrl-${name}-`));
  try {
    const env = { HOME: process.env['HOME'], PATH: process.env['PATH'] };
    const settings = await up({ workers: false, home, env, usualPorts: false, log });
    // Bundled here, because on a busy machine it may take longer than a worker may take to start.
    await workflowBundle(join(dirname(cacheRoot()), 'bundles'));
    await ensureWorker(home, 'control', settings, childEnv(env), log);
    return await body({ home, settings });
  } finally {
    await down({ home, graceMs: 5_000, log: () => undefined });
    await rm(home, { recursive: true, force: true });
  }
}
