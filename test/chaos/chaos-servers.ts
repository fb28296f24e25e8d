/** Temporal and the store for any number of chaos plans; plans take turns, each with a task queue of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { required } from '../../core/assert.ts';
import { livingDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import type { StackSettings } from '../../infra/stack/settings.ts';
import { up } from '../../infra/stack/up.ts';
import { canMountSmallDisks, SmallDisk } from '../support/small-disk.ts';
import { anew } from '../support/stack.ts';

export type ServerName = 'temporal' | 'minio';

/** Each server's data on a file system of its own. */
export interface ServerDisks {
  readonly database: SmallDisk;
  readonly store: SmallDisk;
}

/** A server does not start on a full disk. */
const startCountMax = 60;

const log = (): void => undefined;

export class ChaosServers {
  readonly home: string;
  readonly settings: StackSettings;
  /** undefined where file systems cannot be mounted. */
  readonly disks: ServerDisks | undefined;
  /** Servers are killed and started again one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(home: string, settings: StackSettings, disks: ServerDisks | undefined) {
    this.home = home;
    this.settings = settings;
    this.disks = disks;
  }

  static start(): Promise<ChaosServers> {
    return anew(async () => {
      const home = await mkdtemp(join(tmpdir(), 'mtrl-chaos-'));
      const disks = canMountSmallDisks() ? await mountDisks(home) : undefined;
      try {
        return new ChaosServers(home, await bringUp(home), disks);
      } catch (error) {
        await end(home, disks);
        throw error;
      }
    });
  }

  /** Kills the server and starts it again, at the same address. */
  async kill(name: ServerName): Promise<void> {
    const turn = this.#turn.then(async () => {
      const daemon = required(livingDaemon(this.home, name), `${name} does not run`);
      process.kill(daemon.pid, 'SIGKILL');
      // A killed process still looks alive while the kernel reclaims its memory.
      while (isAlive(daemon)) await sleep(10);
      await bringUpAtLast(this.home);
    });
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  stop(): Promise<void> {
    return end(this.home, this.disks);
  }
}

// An empty environment: a developer's TEMPORAL_ADDRESS must not direct a test to a real cluster.
function bringUp(home: string): Promise<StackSettings> {
  return up({ workers: false, home, env: {}, usualPorts: false, answerTimeoutMs: 5_000, log });
}

async function bringUpAtLast(home: string): Promise<void> {
  for (let count = 1; ; count++) {
    try {
      await bringUp(home);
      return;
    } catch (error) {
      if (count === startCountMax) throw error;
      await sleep(500);
    }
  }
}

async function mountDisks(home: string): Promise<ServerDisks> {
  const database = SmallDisk.mount(home);
  // Where MinIO has its data (infra/stack/minio.ts).
  const data = join(home, 'minio');
  await mkdir(data);
  return { database, store: SmallDisk.mount(data) };
}

async function end(home: string, disks: ServerDisks | undefined): Promise<void> {
  await down({ home, graceMs: 0, log });
  disks?.store.unmount();
  disks?.database.unmount();
  await rm(home, { recursive: true, force: true });
}
