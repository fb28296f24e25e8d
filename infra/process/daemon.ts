/**
 * Processes that outlive the command that started them: detached, with a log and a pid file each.
 *   HOME/run/NAME.json   identity of the process (`DaemonRecord`)
 *   HOME/logs/NAME.log   its output
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import { isStampOf, stampOf } from './home-stamp.ts';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';
import { daemonMark } from './strays.ts';

export interface DaemonSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ports: readonly number[];
}

export interface DaemonRecord extends ProcessIdentity {
  readonly name: string;
  readonly command: readonly string[];
  readonly ports: readonly number[];
  /** Stamp of the home that started it (home-stamp.ts): in a copy of that folder the record is ignored. */
  readonly home?: string;
}

const logByteCountMax = 10 * 1024 * 1024;

export const pidFileOf = (home: string, name: string): string => join(home, 'run', `${name}.json`);
export const logFileOf = (home: string, name: string): string => join(home, 'logs', `${name}.log`);

/** Reads the pid file, whether or not the process is alive; undefined if it is missing, invalid or another home's. */
export function readDaemon(home: string, name: string): DaemonRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(pidFileOf(home, name), 'utf8')) as DaemonRecord;
    if (typeof record.pid !== 'number' || typeof record.startTime !== 'string') return undefined;
    return record.home === undefined || isStampOf(record.home, home) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function livingDaemon(home: string, name: string): DaemonRecord | undefined {
  const record = readDaemon(home, name);
  return record && isAlive(record) ? record : undefined;
}

export async function startDaemon(home: string, spec: DaemonSpec): Promise<DaemonRecord> {
  const logPath = logFileOf(home, spec.name);
  mkdirSync(join(home, 'logs'), { recursive: true });
  mkdirSync(join(home, 'run'), { recursive: true });
  keepLogSmall(logPath);
  const log = openSync(logPath, 'a');
  try {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...spec.env, ...daemonMark(home, spec.name) },
      detached: true,
      stdio: ['ignore', log, log],
    });
    const pid = await new Promise<number>((done, failed) => {
      child.once('error', failed);
      child.once('spawn', () => {
        done(child.pid ?? 0);
      });
    });
    child.unref();
    const identity = identify(pid) ?? { pid, startTime: 'exited immediately' };
    const command = [spec.command, ...spec.args];
    const record = { ...identity, name: spec.name, command, ports: spec.ports, home: stampOf(home) };
    const pidFile = pidFileOf(home, spec.name);
    writeFileSync(`${pidFile}.tmp`, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(`${pidFile}.tmp`, pidFile);
    return record;
  } catch (cause) {
    throw new MtrlError('SETUP_FAILED', `${spec.name} could not be started`, {
      where: spec.command,
      found: (cause as Error).message,
      hint: 'run `npm run mtrl -- doctor`',
      cause,
    });
  } finally {
    closeSync(log);
  }
}

/** Stops the process by SIGTERM, after `graceMs` by SIGKILL, and removes its pid file. Returns the outcome. */
export async function endDaemon(
  home: string,
  record: DaemonRecord,
  graceMs: number,
): Promise<'was gone' | 'ended' | 'killed'> {
  const forget = () => {
    rmSync(pidFileOf(home, record.name), { force: true });
  };
  if (!signal(record, 'SIGTERM')) {
    forget();
    return 'was gone';
  }
  let outcome: 'ended' | 'killed' = 'ended';
  const deadline = Date.now() + graceMs;
  while (isAlive(record)) {
    if (Date.now() > deadline && outcome === 'ended') {
      signal(record, 'SIGKILL');
      outcome = 'killed';
    } else if (Date.now() > deadline + 10_000) {
      throw new MtrlError('SETUP_FAILED', `${record.name} does not stop`, {
        where: `process ${String(record.pid)}`,
        found: 'still running 10 s after SIGKILL',
        hint: `stop it: kill -9 ${String(record.pid)}`,
      });
    }
    await sleep(20);
  }
  forget();
  return outcome;
}

/** The last lines of its log, for an error message. */
export function logTail(home: string, name: string, lineCount = 15): string {
  try {
    return readFileSync(logFileOf(home, name), 'utf8').trimEnd().split('\n').slice(-lineCount).join('\n');
  } catch {
    return '(no log)';
  }
}

/** Sends a signal if the process is alive, checked right before: in practice the pid is not reused in between. */
function signal(record: DaemonRecord, name: NodeJS.Signals): boolean {
  if (!isAlive(record)) return false;
  try {
    return process.kill(record.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function keepLogSmall(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && stats.size > logByteCountMax) renameSync(path, `${path}.1`);
}
