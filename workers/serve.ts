/**
 * A worker that outlives its server: it polls until told to end, and when Temporal goes away it comes back by itself,
 * whether the SDK's own retries hold or the worker has to be made anew.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { StackSettings } from '../infra/stack/settings.ts';
import { readyFileOf, type WorkerName } from '../infra/stack/workers.ts';

const backoffMinMs = 250;
const backoffMaxMs = 5_000;

export interface ServeOptions {
  readonly name: WorkerName;
  readonly settings: StackSettings;
  readonly log: Logger;
  readonly createWorker: (connection: NativeConnection) => Promise<Worker>;
}

/** Returns after SIGTERM or SIGINT, once what was running has ended or been handed back. */
export async function serve({ name, settings, log, createWorker }: ServeOptions): Promise<void> {
  const stop = new Stop(log);
  const readyFile = readyFileOf(settings.home, name);
  for (let backoffMs = backoffMinMs; !stop.requested();) {
    try {
      const connection = await NativeConnection.connect({ address: settings.temporal.address });
      try {
        const worker = await createWorker(connection);
        backoffMs = backoffMinMs;
        stop.attach(worker);
        const running = worker.run();
        mkdirSync(dirname(readyFile), { recursive: true });
        writeFileSync(readyFile, `${String(process.pid)}\n`);
        log.info({ address: settings.temporal.address }, 'polling');
        await running;
      } finally {
        await connection.close().catch(() => undefined);
      }
    } catch (error) {
      if (stop.requested()) break;
      log.warn({ reason: reasonOf(error), backoffMs }, 'not polling; trying again');
      await Promise.race([sleep(backoffMs), stop.promise]);
      backoffMs = Math.min(backoffMaxMs, backoffMs * 2);
    }
  }
  rmSync(readyFile, { force: true });
}

/** A second signal while ending is the user's last word. */
class Stop {
  readonly promise: Promise<void>;
  #requested = false;
  #worker: Worker | undefined;

  constructor(log: Logger) {
    this.promise = new Promise((resolve) => {
      const onSignal = (signal: NodeJS.Signals): void => {
        if (this.#requested) process.exit(1);
        log.info({ signal }, 'ending');
        this.#requested = true;
        this.#shutDown();
        resolve();
      };
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
    });
  }

  requested(): boolean {
    return this.#requested;
  }

  attach(worker: Worker): void {
    this.#worker = worker;
    if (this.#requested) this.#shutDown();
  }

  #shutDown(): void {
    if (this.#worker?.getState() === 'RUNNING') this.#worker.shutdown();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
