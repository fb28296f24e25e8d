/** `down`: stops what `up` started, workers before the servers that they use. Data, ports and credentials stay. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { endDaemon, readDaemon } from '../process/daemon.ts';
import { endStrays } from '../process/strays.ts';
import { withLock } from '../process/lock.ts';
import { withHomeErrors } from './home-errors.ts';
import type { Log } from './server.ts';
import { stackHome } from './settings.ts';
import { workerNames } from './workers.ts';

export interface DownOptions {
  readonly log: Log;
  /** Default: env MTRL_HOME, else `.mtrl` in the project. */
  readonly home?: string;
  /** Time from SIGTERM to SIGKILL. */
  readonly graceMs?: number;
}

export async function down({ log, home: homeOption, graceMs = 10_000 }: DownOptions): Promise<void> {
  const home = stackHome(homeOption === undefined ? {} : { home: homeOption });
  if (!existsSync(join(home, 'run'))) {
    log('nothing to stop');
    return;
  }
  const end = async () => {
    let endedCount = 0;
    for (const names of [workerNames, ['temporal', 'minio'] as const]) {
      const outcomes = await Promise.all(names.map((name) => endDaemons(home, name, graceMs, log)));
      endedCount += outcomes.filter(Boolean).length;
    }
    if (endedCount === 0) log('nothing to stop');
  };
  await withHomeErrors(home, () => withLock(join(home, 'run', 'lock'), { timeoutMs: 60_000 }, end));
}

async function endDaemons(home: string, name: string, graceMs: number, log: Log): Promise<boolean> {
  const record = readDaemon(home, name);
  const outcome = record ? await endDaemon(home, record, graceMs) : 'was gone';
  const strayCount = await endStrays(home, name, graceMs);
  if (strayCount > 0) log(`${name} stopped (${String(strayCount)} processes without a pid file)`);
  if (outcome === 'was gone') return strayCount > 0;
  log(`${name} ${outcome === 'ended' ? 'stopped' : `killed: it did not stop within ${String(graceMs / 1000)} s`}`);
  return true;
}
