/**
 * One local server: keep it when it answers, restart it where it was when it does not. What differs between Temporal
 * and MinIO is in `ServerSpec`; how a server is brought up is the same and is here.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import { type DaemonSpec, endDaemon, livingDaemon, logFileOf, logTail, startDaemon } from '../process/daemon.ts';
import { isAlive } from '../process/identity.ts';
import { assertPortFree, host } from './ports.ts';
import { assertAccepts } from './tcp.ts';

export type Log = (line: string) => void;

export interface ServerSpec {
  readonly name: 'temporal' | 'minio';
  readonly port: number;
  readonly uiPort: number;
  /** Asked only when the server must be started: finding a binary may mean building it. */
  readonly daemon: () => Promise<Omit<DaemonSpec, 'name' | 'ports'>>;
  /** Talks to the server, really; throws while it is not ready. */
  readonly probe: (timeoutMs: number) => Promise<void>;
}

const startTimeoutMs = 60_000;
/** A server that hangs will not heed SIGTERM either. */
const hungGraceMs = 1_000;

/** Returns whether it had to be started. `answerTimeoutMs`: after that silence a living server is taken for hung. */
export async function ensureServer(
  home: string,
  spec: ServerSpec,
  { log, answerTimeoutMs }: { log: Log; answerTimeoutMs: number },
): Promise<'kept' | 'started'> {
  const living = livingDaemon(home, spec.name);
  if (living) {
    if (living.ports[0] === spec.port && (await answers(spec, answerTimeoutMs, () => isAlive(living)))) return 'kept';
    log(`${spec.name} (process ${String(living.pid)}) does not answer: starting it again`);
    await endDaemon(home, living, hungGraceMs);
  }
  for (const port of [spec.port, spec.uiPort]) await assertPortFree(port, spec.name, join(home, 'stack.json'));

  const daemon = await spec.daemon();
  const record = await startDaemon(home, { ...daemon, name: spec.name, ports: [spec.port, spec.uiPort] });
  if (await answers(spec, startTimeoutMs, () => isAlive(record))) {
    log(`${spec.name} started on ${host}:${String(spec.port)}`);
    return 'started';
  }
  const ended = !isAlive(record);
  await endDaemon(home, record, 5_000);
  throw new MtrlError('SETUP_FAILED', `the local ${spec.name} server did not start`, {
    where: `${host}:${String(spec.port)}`,
    found: `${ended ? 'it ended by itself' : `no answer for ${String(startTimeoutMs / 1000)} s`}; its log ends with\n${logTail(home, spec.name)}`,
    hint: `read ${logFileOf(home, spec.name)}`,
  });
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
