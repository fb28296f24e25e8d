/** Temporal and the store for any number of chaos plans; plans take turns, each with a task queue of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { required } from '../../core/assert.ts';
import { livingDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import type { StackSettings } from '../../infra/stack/settings.ts';
import { up } from '../../infra/stack/up.ts';
import { anew } from '../support/stack.ts';

export type ServerName = 'temporal' | 'minio';

const log = (): void => undefined;

export class ChaosServers {
  readonly home: string;
  readonly settings: StackSettings;
  /** Servers are killed and started again one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(home: string, settings: StackSettings) {
    this.home = home;
    this.settings = settings;
  }

  static start(): Promise<ChaosServers> {
    return anew(async () => {
      const home = await mkdtemp(join(tmpdir(), 'mtrl-chaos-'));
      try {
        return new ChaosServers(home, await bringUp(home));
      } catch (error) {
        await end(home);
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
      await bringUp(this.home);
    });
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  stop(): Promise<void> {
    return end(this.home);
  }
}

// An empty environment: a developer's TEMPORAL_ADDRESS must not direct a test to a real cluster.
function bringUp(home: string): Promise<StackSettings> {
  return up({ workers: false, home, env: {}, usualPorts: false, answerTimeoutMs: 5_000, log });
}

async function end(home: string): Promise<void> {
  await down({ home, graceMs: 0, log });
  await rm(home, { recursive: true, force: true });
}
