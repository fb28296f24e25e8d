/** Mutual exclusion across processes: a lock file names its holder, so that nobody waits for a dead one. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../core/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';

export interface LockOptions {
  readonly timeoutMs: number;
  /** Called once, when another process holds the lock. */
  readonly onWait?: (holder: ProcessIdentity) => void;
}

let serial = 0;

export async function withLock<T>(path: string, options: LockOptions, body: () => Promise<T>): Promise<T> {
  const content = await acquire(path, options);
  try {
    return await body();
  } finally {
    if (read(path) === content) rmSync(path, { force: true });
  }
}

async function acquire(path: string, { timeoutMs, onWait }: LockOptions): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  serial += 1;
  const content = JSON.stringify({ ...identify(process.pid), serial });
  const temporary = `${path}.${String(process.pid)}.${String(serial)}`;
  const deadline = Date.now() + timeoutMs;
  let waited = false;
  try {
    writeFileSync(temporary, content);
    for (;;) {
      if (linkNew(temporary, path)) return content;
      const holder = holderOf(path);
      if (holder && !isAlive(holder.identity)) removeStale(path, holder.content);
      else {
        if (!waited && holder) onWait?.(holder.identity);
        waited = true;
        if (Date.now() > deadline) throw timedOut(path, holder?.identity, timeoutMs);
        await sleep(50);
      }
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Creates the lock atomically by a hard link: creating and then writing a file would expose an empty lock. */
function linkNew(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead holder. Two waiters may both see it: the slower one must not remove the lock that the
 * faster one now has.
 */
function removeStale(path: string, staleContent: string): void {
  const aside = `${path}.stale.${String(process.pid)}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== staleContent) linkNew(aside, path);
  rmSync(aside, { force: true });
}

function holderOf(path: string): { content: string; identity: ProcessIdentity } | undefined {
  const content = read(path);
  if (content === undefined) return undefined;
  try {
    const { pid, startTime } = JSON.parse(content) as Partial<ProcessIdentity>;
    return { content, identity: { pid: pid ?? 0, startTime: startTime ?? '' } };
  } catch {
    return { content, identity: { pid: 0, startTime: '' } };
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function timedOut(path: string, holder: ProcessIdentity | undefined, timeoutMs: number): MtrlError {
  return new MtrlError('SETUP_FAILED', 'another process is still setting up', {
    where: path,
    found: `held by process ${String(holder?.pid ?? 'unknown')} for more than ${String(Math.round(timeoutMs / 1000))} s`,
    hint: 'wait for that process, or stop it and try again',
  });
}
