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
import { connectionOptions } from '../infra/stack/temporal-settings.ts';
import { readyFileOf, type WorkerName } from '../infra/stack/workers.ts';
import { serveHealth } from './health.ts';
import type { ServingSettings } from './serving-settings.ts';

const backoffMinMs = 250;
const backoffMaxMs = 5_000;
/** Probes wait one to some seconds. */
const answerTimeoutMs = 1_000;

export interface ServeOptions {
  readonly name: WorkerName;
  readonly settings: StackSettings;
  readonly serving: ServingSettings;
  readonly log: Logger;
  readonly createWorker: (connection: NativeConnection) => Promise<Worker>;
}

/** Returns after SIGTERM or SIGINT, once what was running has ended or been handed back. */
export async function serve({ name, settings, serving, log, createWorker }: ServeOptions): Promise<void> {
  const serviceState = new ServiceState(log);
  if (serving.health) await serveHealth(serving.health, () => serviceState.notReady());
  const readyFile = readyFileOf(settings.home, name);
  for (let backoffMs = backoffMinMs; !serviceState.ending();) {
    try {
      const connection = await NativeConnection.connect(connectionOptions(settings.temporal));
      try {
        const worker = await createWorker(connection);
        backoffMs = backoffMinMs;
        serviceState.attach(worker, connection);
        const running = worker.run();
        mkdirSync(dirname(readyFile), { recursive: true });
        writeFileSync(readyFile, `${String(process.pid)}\n`);
        log.info({ address: settings.temporal.address }, 'polling');
        await running;
      } finally {
        serviceState.detach();
        await connection.close().catch(() => undefined);
      }
    } catch (error) {
      if (serviceState.ending()) break;
      log.warn({ reason: reasonOf(error), backoffMs }, 'not polling; trying again');
      await Promise.race([sleep(backoffMs), serviceState.end]);
      backoffMs = Math.min(backoffMaxMs, backoffMs * 2);
    }
  }
  rmSync(readyFile, { force: true });
}

/** From the first attempt to poll to the signal that ends it. A second signal while ending is the user's last word. */
class ServiceState {
  readonly end: Promise<void>;
  #ending = false;
  #polling: { readonly worker: Worker; readonly connection: NativeConnection } | undefined;

  constructor(log: Logger) {
    this.end = new Promise((resolve) => {
      const onSignal = (signal: NodeJS.Signals): void => {
        if (this.#ending) process.exit(1);
        log.info({ signal }, 'ending');
        this.#ending = true;
        this.#shutDown();
        resolve();
      };
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
    });
  }

  ending(): boolean {
    return this.#ending;
  }

  attach(worker: Worker, connection: NativeConnection): void {
    this.#polling = { worker, connection };
    if (this.#ending) this.#shutDown();
  }

  detach(): void {
    this.#polling = undefined;
  }

  async notReady(): Promise<string | undefined> {
    if (this.#ending) return 'ending: no new work is taken';
    const polling = this.#polling;
    if (polling?.worker.getState() !== 'RUNNING') return 'not polling: Temporal does not answer, or has not yet';
    const { connection } = polling;
    await connection.withDeadline(Date.now() + answerTimeoutMs, () => connection.workflowService.getSystemInfo({}));
    return undefined;
  }

  #shutDown(): void {
    if (this.#polling?.worker.getState() === 'RUNNING') this.#polling.worker.shutdown();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
