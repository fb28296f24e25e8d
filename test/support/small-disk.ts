/**
 * A file system of its own (tmpfs) whose size can be cut to what is on it: it is then full, as if something else had
 * filled the disk. Needs root, and a kernel whose tmpfs takes direct I/O, which MinIO wants.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A limit, not a reservation: the files take what they need. */
const byteLengthMax = 4 * 2 ** 30;
/** What is written between the look at the size and the cut makes the cut fail. */
const cutCountMax = 50;

export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param folder exists; what is in it is hidden by the mount */
  static mount(folder: string): SmallDisk {
    run('mount', ['-t', 'tmpfs', '-o', sizeOf(byteLengthMax), 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  async fill(): Promise<void> {
    for (let count = 1; ; count++) {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      try {
        // A size of 0 would be none.
        this.#resize(Math.max(bsize, (blocks - bfree) * bsize));
        return;
      } catch (error) {
        if (count === cutCountMax) throw error;
        await sleep(10);
      }
    }
  }

  free(): void {
    this.#resize(byteLengthMax);
  }

  /** At once: a process may still have a file open. */
  unmount(): void {
    run('umount', ['--lazy', this.folder]);
  }

  #resize(byteLength: number): void {
    run('mount', ['-o', `remount,${sizeOf(byteLength)}`, this.folder]);
  }
}

export function canMountSmallDisks(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-disk-'));
  try {
    const disk = SmallDisk.mount(folder);
    try {
      const { O_CREAT, O_DIRECT, O_WRONLY } = constants;
      closeSync(openSync(join(folder, 'direct'), O_CREAT | O_WRONLY | O_DIRECT));
      return true;
    } finally {
      disk.unmount();
    }
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sizeOf(byteLength: number): string {
  return `size=${String(byteLength)}`;
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}
