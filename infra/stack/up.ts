/**
 * `up`: starts what is missing of the local stack and does not touch what works, so it may be called at any time.
 * Ports, credentials and the task queue are chosen once (stack.json), so that a restarted server is the same to its
 * clients. Only a port that another process has taken is replaced.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MtrlError } from '../../core/errors.ts';
import { findOrMakeBinary } from '../binaries/binaries.ts';
import { stampOf } from '../process/home-stamp.ts';
import { withLock } from '../process/lock.ts';
import { withHomeErrors } from './home-errors.ts';
import { ensureBucket, makeCredentials, minioServer } from './minio.ts';
import { choosePorts } from './ports.ts';
import { ensureServer, type Log } from './server.ts';
import { setAside, type SetAsideName } from './set-aside.ts';
import type { Env } from './env.ts';
import { childEnv, readOverrides, readSettings, type StackSettings, stackHome } from './settings.ts';
import { changeStackFile, readStackFile, type StackFile, writeStackFile } from './stack-file.ts';
import { namespaceIdAt } from './temporal-proof.ts';
import { prepareNamespace, temporalServer, withConnection } from './temporal.ts';
import { ensureWorker, hasOtherServers, workerNames } from './workers.ts';

export interface UpOptions {
  /** Whether to start the control and the compute worker as well. */
  readonly workers: boolean;
  readonly log: Log;
  /** Default: env MTRL_HOME, else `.mtrl` in the project. */
  readonly home?: string;
  /** Environment with the overrides. Default: process.env. */
  readonly env?: Env;
  /** false: use any free ports (tests leave the usual ones to the user's stack). Default: true. */
  readonly usualPorts?: boolean;
  /** A living server that does not answer for this long is restarted. Default: 10 s. */
  readonly answerTimeoutMs?: number;
  /** Server whose data is moved aside first. */
  readonly setAside?: SetAsideName;
}

const usual = { temporal: 7233, temporalUi: 8233, s3: 9000, s3Console: 9001 };
/** A cold start may build two servers while it holds the lock. */
const lockTimeoutMs = 20 * 60_000;
const portAttemptCountMax = 5;

export async function up(options: UpOptions): Promise<StackSettings> {
  const { env = process.env, log } = options;
  const home = stackHome({ ...options, env });
  const onWait = ({ pid }: { pid: number }) => {
    log(`waiting for process ${String(pid)}, which is setting up the same stack`);
  };
  return withHomeErrors(home, async () => {
    mkdirSync(join(home, 'run'), { recursive: true });
    return withLock(join(home, 'run', 'lock'), { timeoutMs: lockTimeoutMs, onWait }, () =>
      bringUp(home, { answerTimeoutMs: 10_000, usualPorts: true, ...options, env }),
    );
  });
}

async function bringUp(
  home: string,
  options: UpOptions & Required<Pick<UpOptions, 'env' | 'usualPorts' | 'answerTimeoutMs'>>,
): Promise<StackSettings> {
  const { env, log, workers } = options;
  const overrides = readOverrides(env);
  if (options.setAside !== undefined) await setAside(home, options.setAside, log);
  await completeStackFile(home, { temporal: !overrides.temporal, s3: !overrides.s3 }, options);
  await allOrFirstFailure([
    overrides.temporal
      ? useTemporal(overrides.temporal, log)
      : onFreePorts(home, options, 'temporal', () => bringUpTemporal(home, options)),
    overrides.s3 ? useStore(overrides.s3, log) : onFreePorts(home, options, 's3', () => bringUpStore(home, options)),
  ]);
  const settings = readSettings({ home, env });
  // A running worker still uses the old ports, so it is restarted if a server has moved, even without `workers`.
  const wanted = workerNames.filter((name) => workers || hasOtherServers(home, name, settings));
  await allOrFirstFailure(wanted.map((name) => ensureWorker(home, name, settings, childEnv(env), log)));
  return settings;
}

/** Waits for all even if one fails: the others must not continue starting after the lock is released. */
async function allOrFirstFailure(starts: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason;
}

type Options = Parameters<typeof bringUp>[1];

/**
 * Starts the server. If another process has taken its ports, it is moved to other ones, which are recorded, in up to
 * `portAttemptCountMax` attempts.
 */
async function onFreePorts(
  home: string,
  { usualPorts, log }: Options,
  server: 'temporal' | 's3',
  start: () => Promise<void>,
): Promise<void> {
  for (let attemptCount = 1; ; attemptCount += 1) {
    try {
      await start();
      return;
    } catch (error) {
      const isTaken = error instanceof MtrlError && error.code === 'PORT_IN_USE';
      if (!isTaken || attemptCount === portAttemptCountMax) throw error;
      const wanted = usualPorts ? usual : undefined;
      const ports = await (server === 'temporal' ? choosePortsOfTemporal(wanted) : choosePortsOfStore(wanted));
      changeStackFile(home, (file) => ({ ...file, [server]: { ...file[server], ...ports } }));
      log(`${error.message} (${error.details.found ?? 'unknown'}): moving to port ${String(ports.port)}`);
    }
  }
}

async function bringUpTemporal(home: string, { env, log, answerTimeoutMs }: Options): Promise<void> {
  const { temporal: local } = readStackFile(home) ?? {};
  const target = readSettings({ home, env }).temporal;
  if (!local) return;
  await ensureServer(home, temporalServer(home, target, local, childEnv(env), log), { log, answerTimeoutMs });
  await prepareNamespace(target, true);
  // The server is this stack's own, and so is the namespace: its process was started by this stack and holds the port.
  const { namespace } = target;
  const id = await withConnection(target, answerTimeoutMs, (connection) => namespaceIdAt(connection, namespace));
  if (id === undefined || id === local.namespaceIds?.[namespace]) return;
  changeStackFile(home, (file) => ({
    ...file,
    temporal: { ...(file.temporal ?? local), namespaceIds: { ...file.temporal?.namespaceIds, [namespace]: id } },
  }));
}

async function bringUpStore(home: string, { env, log, answerTimeoutMs }: Options): Promise<void> {
  const { s3: local } = readStackFile(home) ?? {};
  const target = readSettings({ home, env }).s3;
  if (!local) return;
  await ensureServer(home, minioServer(home, target, local, childEnv(env), log), { log, answerTimeoutMs });
  await ensureBucket(target, true);
}

async function useTemporal(target: StackSettings['temporal'], log: Log): Promise<void> {
  log(`using Temporal at ${target.address}`);
  await prepareNamespace(target, false);
}

async function useStore(target: StackSettings['s3'], log: Log): Promise<void> {
  log(`using the store at ${target.endpoint}`);
  await ensureBucket(target, false);
}

/** Adds missing ports, credentials and task queue of the needed servers, and updates the stamp of a copied folder. */
async function completeStackFile(
  home: string,
  needs: { temporal: boolean; s3: boolean },
  { usualPorts, log }: Options,
): Promise<void> {
  const known = readStackFile(home) ?? {};
  // Ports are chosen after this: a port that is free now may be taken by the time a server has been built.
  if (needs.temporal && !known.temporal) await findOrMakeBinary('temporal', log);
  if (needs.s3 && !known.s3) await findOrMakeBinary('minio', log);
  const wanted = usualPorts ? usual : undefined;
  const temporal = known.temporal ?? (needs.temporal ? await choosePortsOfTemporal(wanted) : undefined);
  const s3 = known.s3 ?? (needs.s3 ? { ...(await choosePortsOfStore(wanted)), ...makeCredentials() } : undefined);
  // A stack of an older version keeps its queue, which its open workflows and schedules use.
  const taskQueue = known.taskQueue ?? (known.temporal || !temporal ? undefined : makeTaskQueue());
  const file: StackFile = {
    ...((temporal ?? s3) && { home: stampOf(home) }),
    ...(taskQueue !== undefined && { taskQueue }),
    ...(temporal && { temporal }),
    ...(s3 && { s3 }),
  };
  if (!isDeepStrictEqual(file, known)) writeStackFile(home, file);
}

function makeTaskQueue(): string {
  return `mtrl-${randomBytes(4).toString('hex')}`;
}

async function choosePortsOfTemporal(wanted: typeof usual | undefined): Promise<{ port: number; uiPort: number }> {
  const [port = 0, uiPort = 0] = await choosePorts([wanted?.temporal, wanted?.temporalUi]);
  return { port, uiPort };
}

async function choosePortsOfStore(wanted: typeof usual | undefined): Promise<{ port: number; consolePort: number }> {
  const [port = 0, consolePort = 0] = await choosePorts([wanted?.s3, wanted?.s3Console]);
  return { port, consolePort };
}
