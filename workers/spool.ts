/**
 * Local folder of one worker process, under the stack's home: `spool/<pid>`. The folders of dead processes are removed.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export function takeSpoolFolder(home: string): string {
  const root = join(home, 'spool');
  const own = join(root, String(process.pid));
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    if (name === String(process.pid) || !isAlive(Number(name)))
      rmSync(join(root, name), { recursive: true, force: true });
  }
  mkdirSync(own, { recursive: true });
  return own;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
