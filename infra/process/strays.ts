/**
 * Daemons of a home that no pid file names any more (it was emptied, damaged or removed). They are found by a variable
 * that `startDaemon` sets in their environment and that their child processes inherit.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStampOf, stampOf } from './home-stamp.ts';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';

const variable = 'MTRL_DAEMON';

/** Environment variable that marks a daemon of this home. */
export function daemonMark(home: string, name: string): Readonly<Record<string, string>> {
  return { [variable]: `${name} ${stampOf(home)}` };
}

/** Stops every process of that daemon by SIGTERM, after `graceMs` by SIGKILL. Returns their number. */
export async function endStrays(home: string, name: string, graceMs: number): Promise<number> {
  const found = straysOf(home, name);
  for (const stray of found) signal(stray, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (found.some(isAlive) && Date.now() < deadline) await sleep(20);
  const left = found.filter(isAlive);
  for (const stray of left) signal(stray, 'SIGKILL');
  // A process that was just killed holds its port and files until the kernel has cleaned up.
  for (let attempt = 0; attempt < 500 && left.some(isAlive); attempt += 1) await sleep(20);
  return found.length;
}

function straysOf(home: string, name: string): ProcessIdentity[] {
  return marks().flatMap(({ pid, mark }) => {
    const space = mark.indexOf(' ');
    if (pid === process.pid || mark.slice(0, space) !== name || !isStampOf(mark.slice(space + 1), home)) return [];
    return identify(pid) ?? [];
  });
}

interface Marked {
  readonly pid: number;
  readonly mark: string;
}

function marks(): Marked[] {
  return process.platform === 'linux' ? marksLinux() : marksPosix();
}

function marksLinux(): Marked[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const prefix = `${variable}=`;
      const found = environmentOf(entry).find((line) => line.startsWith(prefix));
      return found === undefined ? [] : [{ pid: Number(entry), mark: found.slice(prefix.length) }];
    });
}

/** Environment of a process as `NAME=value` lines; empty for processes of other users. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** `ps` prints the environment after the command, separated by spaces: the mark ends where the next variable starts. */
function marksPosix(): Marked[] {
  let table: string;
  try {
    table = execFileSync('ps', ['eww', '-axo', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  } catch {
    return [];
  }
  return table.split('\n').flatMap((line) => {
    const [, pid, mark] = /^\s*(\d+)\s.*\bMTRL_DAEMON=(.*?)(?: [A-Za-z_][A-Za-z0-9_]*=|$)/.exec(line) ?? [];
    return mark === undefined ? [] : [{ pid: Number(pid), mark }];
  });
}

function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
