/**
 * Starts one local server: keeps it if it answers, else restarts it on the same port. `ServerSpec` contains what
 * differs between Temporal and MinIO; the procedure here is the same for both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import {
  type DaemonRecord,
  type DaemonSpec,
  endDaemon,
  livingDaemon,
  logFileOf,
  logTail,
  startDaemon,
} from '../process/daemon.ts';
import { isAlive } from '../process/identity.ts';
import { endStrays } from '../process/strays.ts';
import { assertPortFree, host, isPortFree, ownerPid, portInUse } from './ports.ts';
import { assertAccepts } from './tcp.ts';

export type Log = (line: string) => void;

export interface ServerSpec {
  readonly name: 'temporal' | 'minio';
  readonly port: number;
  readonly uiPort: number;
  /** Called only if the server must be started: finding a binary may mean building it. */
  readonly daemon: () => Promise<Omit<DaemonSpec, 'name' | 'ports'>>;
  /** Sends a real request to the server; throws while it is not ready. */
  readonly probe: (timeoutMs: number) => Promise<void>;
  /** The file or folder with its data, and the log lines that report damaged data. */
  readonly data: { readonly path: string; readonly damaged: RegExp };
}

const startTimeoutMs = 60_000;
/** Time after which a server that did not get its port has exited. */
const settleMs = 3_000;
/** Short: a server that hangs does not react to SIGTERM either. */
const hungGraceMs = 1_000;
const strayGraceMs = 5_000;

/**
 * Returns whether the server was kept or started. A living server that does not answer for `answerTimeoutMs` is
 * restarted. Throws PORT_IN_USE if another process has one of its ports, DATA_DAMAGED if it cannot read its data, else
 * SETUP_FAILED.
 */
export async function ensureServer(
  home: string,
  spec: ServerSpec,
  { log, answerTimeoutMs }: { log: Log; answerTimeoutMs: number },
): Promise<'kept' | 'started'> {
  const living = livingDaemon(home, spec.name);
  if (living) {
    if (living.ports[0] === spec.port && (await answers(spec, answerTimeoutMs, () => isAlive(living)))) return 'kept';
    log(`${spec.name} (process ${String(living.pid)}) does not answer: restarting it`);
    await endDaemon(home, living, hungGraceMs);
  }
  // A server without a pid file: two servers must not share the same data.
  if ((await endStrays(home, spec.name, strayGraceMs)) > 0) log(`${spec.name} ran without a pid file: restarting it`);
  const daemon = await spec.daemon();
  // Checked only now: building a binary takes minutes, during which others may take the port.
  for (const port of [spec.port, spec.uiPort]) await assertPortFree(port, spec.name);
  const record = await startDaemon(home, { ...daemon, name: spec.name, ports: [spec.port, spec.uiPort] });
  if ((await answers(spec, startTimeoutMs, () => isAlive(record))) && (await isOurs(record, spec.port))) {
    log(`${spec.name} started on ${host}:${String(spec.port)}`);
    return 'started';
  }
  const ended = !isAlive(record);
  await endDaemon(home, record, 5_000);
  const tail = logTail(home, spec.name);
  if (spec.data.damaged.test(tail)) throw damaged(home, spec, tail);
  // Two stacks that start at the same time may choose the same port: another process got it.
  for (const port of [spec.port, spec.uiPort]) if (!(await isPortFree(port))) throw portInUse(port, spec.name);
  throw new MtrlError('SETUP_FAILED', `the local ${spec.name} server did not start`, {
    where: `${host}:${String(spec.port)}`,
    found: `${ended ? 'it exited' : `no answer for ${String(startTimeoutMs / 1000)} s`}; its log ends with\n${tail}`,
    hint: `read ${logFileOf(home, spec.name)}`,
  });
}

function damaged(home: string, { name, data }: ServerSpec, tail: string): MtrlError {
  return new MtrlError('DATA_DAMAGED', `the local ${name} server cannot read its data`, {
    where: data.path,
    found: tail.split('\n').findLast((line) => data.damaged.test(line)) ?? '',
    hint:
      `restore them, or run \`npm run mtrl -- up --set-aside ${name}\`, which moves them into ${home}/set-aside and starts with empty data: ` +
      (name === 'temporal'
        ? 'workflows and schedules are lost; an experiment that is started again finds its results in the store'
        : 'artifacts are missing until they are recomputed'),
  });
}

/**
 * Whether the process serves the port. If two stacks start at the same time and choose the same port, the server that
 * did not get it exits.
 */
async function isOurs(record: DaemonRecord, port: number): Promise<boolean> {
  const owner = ownerPid(port);
  const isSure = owner === undefined || owner === record.pid;
  // A server behind a wrapper has another pid, and stays alive.
  for (let ms = 0; !isSure && ms < settleMs && isAlive(record); ms += 50) await sleep(50);
  return isAlive(record);
}

async function answers(spec: ServerSpec, timeoutMs: number, alive: () => boolean): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (let leftMs = timeoutMs; alive() && leftMs > 0; leftMs = deadline - Date.now()) {
    try {
      await assertAccepts(host, spec.port, 1_000);
      await spec.probe(Math.min(leftMs, 5_000));
      return true;
    } catch {
      // not ready yet
    }
    await sleep(30);
  }
  return false;
}
