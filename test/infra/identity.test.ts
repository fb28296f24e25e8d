import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { livingDaemon, pidFileOf, readDaemon } from '../../infra/process/daemon.ts';
import { identify, isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';

function sleeper() {
  return spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
}

describe('the identity of a process', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mtrl-identity-'));
    mkdirSync(join(home, 'run'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true, force: true });
  });

  it('stays the same while the process lives, and ends with it', async () => {
    const child = sleeper();
    const identity = identify(child.pid ?? 0);
    expect(identity && isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identity && isAlive(identity)).toBe(false);
    expect(identify(child.pid ?? 0)).toBeUndefined();
  });

  it('is undefined for a process that does not exist', () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 30]) expect(identify(pid)).toBeUndefined();
  });

  it('does not treat a recycled pid as alive, and does not stop its process', async () => {
    const stranger = sleeper();
    const record = {
      pid: stranger.pid,
      startTime: 'an earlier boot/1',
      name: 'temporal',
      command: ['temporal'],
      ports: [1, 2],
    };
    writeFileSync(pidFileOf(home, 'temporal'), JSON.stringify(record));
    expect(livingDaemon(home, 'temporal')).toBeUndefined();

    const lines: string[] = [];
    await down({ home, log: (line) => lines.push(line) });
    expect(lines).toEqual(['nothing to stop']);
    expect(readDaemon(home, 'temporal')).toBeUndefined();
    expect(identify(stranger.pid ?? 0)).toBeDefined();
    stranger.kill('SIGKILL');
  });
});
