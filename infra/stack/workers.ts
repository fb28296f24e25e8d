/** Starts the two worker processes like servers, and waits until each polls its task queue. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';
import { type DaemonRecord, endDaemon, livingDaemon, logFileOf, logTail, startDaemon } from '../process/daemon.ts';
import { isAlive } from '../process/identity.ts';
import { endStrays } from '../process/strays.ts';
import type { Log } from './server.ts';
import { addressOf, type Env } from './env.ts';
import type { StackSettings } from './settings.ts';

export const workerNames = ['control', 'compute'] as const;
export type WorkerName = (typeof workerNames)[number];

/** A worker that exits is noticed at once; this long takes only one on a machine that is far too busy. */
const readyTimeoutMs = 180_000;
const strayGraceMs = 5_000;

/** File to which a worker writes its pid once it polls its task queue. */
export const readyFileOf = (home: string, name: WorkerName): string => join(home, 'run', `${name}.ready`);

/** File to which a worker writes its pid and the reason while it runs but does not poll. */
export const waitingFileOf = (home: string, name: WorkerName): string => join(home, 'run', `${name}.waiting`);

export function isReady(home: string, { pid }: DaemonRecord, name: WorkerName): boolean {
  try {
    return Number(readFileSync(readyFileOf(home, name), 'utf8').trim()) === pid;
  } catch {
    return false;
  }
}

/** File with the addresses that a running worker connects to. */
const serversFileOf = (home: string, name: WorkerName): string => join(home, 'run', `${name}.servers`);

/** Whether the worker runs with other servers than those of the settings, because `up` has moved one. */
export function hasOtherServers(home: string, name: WorkerName, settings: StackSettings): boolean {
  if (!livingDaemon(home, name)) return false;
  try {
    return readFileSync(serversFileOf(home, name), 'utf8') !== serversText(settings);
  } catch {
    return true;
  }
}

function serversText({ temporal, s3 }: StackSettings): string {
  return `${temporal.address} ${s3.endpoint}\n`;
}

/** The reason that a running worker gives for not polling; undefined if it polls, or has given none. */
export function waitingReason(home: string, { pid }: DaemonRecord, name: WorkerName): string | undefined {
  try {
    const [first = '', ...reason] = readFileSync(waitingFileOf(home, name), 'utf8').trimEnd().split('\n');
    return Number(first) === pid ? reason.join(' ') : undefined;
  } catch {
    return undefined;
  }
}

export async function ensureWorker(
  home: string,
  name: WorkerName,
  settings: StackSettings,
  env: Env,
  log: Log,
): Promise<void> {
  const known = livingDaemon(home, name);
  const isElsewhere = known !== undefined && hasOtherServers(home, name, settings);
  if (known && isElsewhere) {
    log(`the servers of the ${name} worker have moved: restarting it`);
    await endDaemon(home, known, strayGraceMs);
  }
  const living = isElsewhere ? undefined : known;
  // A worker without a pid file: two workers would share the machine's memory.
  if (!living && (await endStrays(home, name, strayGraceMs)) > 0)
    log(`the ${name} worker ran without a pid file: restarting it`);
  const record = living ?? (await startWorker(home, name, env));
  if (!living) writeFileSync(serversFileOf(home, name), serversText(settings));
  const deadline = Date.now() + readyTimeoutMs;
  while (!isReady(home, record, name)) {
    const ended = !isAlive(record);
    if (ended || Date.now() > deadline) {
      const why = waitingReason(home, record, name);
      const found = ended
        ? 'it exited'
        : `${why === undefined ? '' : `${why}; `}not ready after ${String(readyTimeoutMs / 1000)} s`;
      if (!ended) await endDaemon(home, record, 5_000);
      throw new MtrlError('SETUP_FAILED', `the ${name} worker did not start`, {
        where: `workers/${name}.ts`,
        found: `${found}; its log ends with\n${logTail(home, name)}`,
        hint: `read ${logFileOf(home, name)}, then run \`npm run mtrl -- up\` again`,
      });
    }
    await sleep(30);
  }
  if (!living) log(`${name} worker started (process ${String(record.pid)})`);
}

async function startWorker(home: string, name: WorkerName, env: Env): Promise<DaemonRecord> {
  const { path, execArgv } = programs[name];
  if (!existsSync(path)) {
    throw new MtrlError('SETUP_FAILED', `the ${name} worker is missing`, {
      where: path,
      found: 'no such file',
      hint: 'the checkout is incomplete: clone it again',
    });
  }
  rmSync(readyFileOf(home, name), { force: true });
  return startDaemon(home, {
    name,
    command: process.execPath,
    args: [...execArgv, path],
    cwd: projectRoot,
    // The drain must end within the grace period of `down`. Node's default of four pool threads, which decode images,
    // is too many for two processors, where they block the event loop, and too few for more.
    env: {
      MTRL_DRAIN_TIMEOUT_MS: '2000',
      UV_THREADPOOL_SIZE: String(availableParallelism()),
      ...env,
      ...portsOf(name, env),
      MTRL_HOME: home,
    },
    ports: [],
  });
}

/** Addresses for probes and metrics from the environment; the second worker on the machine takes the next port. */
function portsOf(name: WorkerName, env: Env): Env {
  const offset = workerNames.indexOf(name);
  const shifted = ['MTRL_HEALTH_ADDRESS', 'MTRL_METRICS_ADDRESS'].flatMap((variable) => {
    const address = addressOf(env, variable);
    return address ? [[variable, `${address.host}:${String(address.port + offset)}`]] : [];
  });
  return Object.fromEntries(shifted) as Env;
}

const programs = {
  control: programAt(new URL('../../workers/control.ts', import.meta.url)),
  compute: programAt(new URL('../../workers/compute.ts', import.meta.url)),
};
