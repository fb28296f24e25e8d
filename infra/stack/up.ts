/**
 * `up`: starts what is missing of the local stack and touches nothing that works, so it may be called at any time.
 * Ports and credentials are chosen once (stack.json): a server that died comes back as the same server.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findOrMakeBinary } from '../binaries.ts';
import { withLock } from '../process/lock.ts';
import { ensureBucket, makeCredentials, minioServer } from './minio.ts';
import { choosePorts } from './ports.ts';
import { ensureServer, type Log } from './server.ts';
import type { Env } from './env.ts';
import { childEnv, readOverrides, readSettings, type StackSettings, stackHome } from './settings.ts';
import { readStackFile, type StackFile, writeStackFile } from './stack-file.ts';
import { prepareNamespace, temporalServer } from './temporal.ts';
import { ensureWorker, workerNames } from './workers.ts';

export interface UpOptions {
  /** Also the control and the compute worker. */
  readonly workers: boolean;
  readonly log: Log;
  /** Default: env MTRL_HOME, else `.mtrl` in the project. */
  readonly home?: string;
  /** Default: process.env. Where the overrides are read from. */
  readonly env?: Env;
  /** false: any free ports at once (tests leave the usual ones to the user's stack). */
  readonly usualPorts?: boolean;
  /** A living server that does not answer for this long is started again. Default: 10 s. */
  readonly answerTimeoutMs?: number;
}

const usual = { temporal: 7233, temporalUi: 8233, s3: 9000, s3Console: 9001 };
/** A cold start may build two servers while it holds the lock. */
const lockTimeoutMs = 20 * 60_000;

export async function up({
  workers,
  log,
  env = process.env,
  usualPorts = true,
  answerTimeoutMs = 10_000,
  ...options
}: UpOptions): Promise<StackSettings> {
  const home = stackHome({ ...options, env });
  mkdirSync(join(home, 'run'), { recursive: true });
  const onWait = ({ pid }: { pid: number }) => {
    log(`waiting for process ${String(pid)}, which is setting up the same stack`);
  };
  return withLock(join(home, 'run', 'lock'), { timeoutMs: lockTimeoutMs, onWait }, async () => {
    const overrides = readOverrides(env);
    const needs = { temporal: !overrides.temporal, s3: !overrides.s3 };
    const file = await completeStackFile(home, needs, { usualPorts, log });
    const settings = readSettings({ home, env });
    await allOrFirstFailure([
      bringUpTemporal(home, settings, overrides.temporal ? undefined : file.temporal, env, { log, answerTimeoutMs }),
      bringUpStore(home, settings, overrides.s3 ? undefined : file.s3, env, { log, answerTimeoutMs }),
    ]);
    if (workers) await allOrFirstFailure(workerNames.map((name) => ensureWorker(home, name, childEnv(env), log)));
    return settings;
  });
}

/** Waits for all even when one fails: the others must not go on starting after the lock is released. */
async function allOrFirstFailure(starts: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason;
}

type How = Parameters<typeof ensureServer>[2];

async function bringUpTemporal(
  home: string,
  settings: StackSettings,
  local: StackFile['temporal'],
  env: Env,
  how: How,
): Promise<void> {
  const target = settings.temporal;
  if (local) await ensureServer(home, temporalServer(home, target, local, childEnv(env), how.log), how);
  else how.log(`using Temporal at ${target.address}`);
  await prepareNamespace(target, local !== undefined);
}

async function bringUpStore(
  home: string,
  settings: StackSettings,
  local: StackFile['s3'],
  env: Env,
  how: How,
): Promise<void> {
  const target = settings.s3;
  if (local) await ensureServer(home, minioServer(home, target, local, childEnv(env), how.log), how);
  else how.log(`using the store at ${target.endpoint}`);
  await ensureBucket(target, local !== undefined);
}

async function completeStackFile(
  home: string,
  needs: { temporal: boolean; s3: boolean },
  { usualPorts, log }: { usualPorts: boolean; log: Log },
): Promise<StackFile> {
  const known = readStackFile(home) ?? {};
  // Ports are chosen behind it: what is free now may be taken when a server has been built.
  if (needs.temporal && !known.temporal) await findOrMakeBinary('temporal', log);
  if (needs.s3 && !known.s3) await findOrMakeBinary('minio', log);
  const wanted = usualPorts ? usual : undefined;
  const complete = {
    temporal: known.temporal ?? (needs.temporal ? await chooseTemporal(wanted) : undefined),
    s3: known.s3 ?? (needs.s3 ? await chooseS3(wanted) : undefined),
  };
  const file: StackFile = {
    ...(complete.temporal && { temporal: complete.temporal }),
    ...(complete.s3 && { s3: complete.s3 }),
  };
  if (file.temporal !== known.temporal || file.s3 !== known.s3) writeStackFile(home, file);
  return file;
}

async function chooseTemporal(wanted: typeof usual | undefined): Promise<NonNullable<StackFile['temporal']>> {
  const [port = 0, uiPort = 0] = await choosePorts([wanted?.temporal, wanted?.temporalUi]);
  return { port, uiPort };
}

async function chooseS3(wanted: typeof usual | undefined): Promise<NonNullable<StackFile['s3']>> {
  const [port = 0, consolePort = 0] = await choosePorts([wanted?.s3, wanted?.s3Console]);
  return { port, consolePort, ...makeCredentials() };
}
