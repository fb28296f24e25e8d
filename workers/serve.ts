/**
 * Runs a worker that survives an outage of its servers: it polls until it is stopped, and reconnects to Temporal by the
 * SDK's own retries or by creating the worker again.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { describeError, MtrlError } from '../core/errors.ts';
import { readSettings, type StackSettings } from '../infra/stack/settings.ts';
import { connectionOptions } from '../infra/stack/temporal-settings.ts';
import { readyFileOf, waitingFileOf, type WorkerName } from '../infra/stack/workers.ts';
import { serveHealth } from './health.ts';
import type { Polling } from './jointly.ts';
import type { OngoingActivities } from './ongoing.ts';
import type { ServingSettings } from './serving-settings.ts';
import { Surroundings } from './surroundings.ts';

const backoffMinMs = 250;
const backoffMaxMs = 5_000;
/** Readiness probes time out after one to a few seconds. */
const answerTimeoutMs = 1_000;
/** Intervals of environment checks: of a local stack, and of servers elsewhere, where requests may cost money. */
const lookMs = 5_000;
const lookElsewhereMs = 60_000;

export interface ServeOptions {
  readonly name: WorkerName;
  readonly settings: StackSettings;
  readonly serving: ServingSettings;
  readonly log: Logger;
  readonly ongoing: OngoingActivities;
  /** Folder on the local disk that the activities need. */
  readonly spoolFolder?: string;
  readonly createWorker: (connection: NativeConnection) => Promise<Polling>;
}

/** Returns after SIGTERM or SIGINT, once running activities have finished or been handed back. */
export async function serve({
  name,
  settings,
  serving,
  log,
  ongoing,
  spoolFolder,
  createWorker,
}: ServeOptions): Promise<void> {
  const serviceState = new ServiceState(log);
  if (serving.health) await serveHealth(serving.health, () => serviceState.notReady());
  const state = new StateFiles(settings.home, name, log);
  const surroundings = new Surroundings(settings, spoolFolder);
  for (let backoffMs = backoffMinMs; !serviceState.ending();) {
    try {
      assertSameServers(settings);
      const connection = await NativeConnection.connect(connectionOptions(settings.temporal));
      try {
        const unfit = await surroundings.unfitness(connection);
        if (unfit !== undefined) throw new Error(unfit);
        await ongoing.reportLeft(settings.temporal);
        const worker = await createWorker(connection);
        backoffMs = backoffMinMs;
        serviceState.attach(worker, connection);
        const running = worker.run();
        state.polling();
        log.info({ address: settings.temporal.address, taskQueue: worker.taskQueue }, 'polling');
        const look = new AbortController();
        const watched = watch(worker, () => surroundings.unfitness(connection), settings, look.signal);
        await running.finally(() => {
          look.abort();
        });
        const reason = await watched;
        if (reason !== undefined) throw new Error(reason);
      } finally {
        serviceState.detach();
        await connection.close().catch(() => undefined);
      }
    } catch (error) {
      if (serviceState.ending()) break;
      const reason = reasonOf(error);
      serviceState.waiting(reason);
      state.waiting(reason);
      log.warn({ reason, backoffMs }, 'not polling; trying again');
      await Promise.race([sleep(backoffMs), serviceState.end]);
      backoffMs = Math.min(backoffMaxMs, backoffMs * 2);
    }
  }
  state.remove();
}

/** Shuts the worker down when it must stop polling. Returns the reason; undefined if `signal` ends the watch. */
async function watch(
  worker: Polling,
  look: () => Promise<string | undefined>,
  { temporal, s3 }: StackSettings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const pauseMs = temporal.proof !== undefined && s3.isLocal === true ? lookMs : lookElsewhereMs;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    const reason = isOver() ? undefined : await look();
    if (reason === undefined || isOver()) continue;
    worker.shutdown();
    return reason;
  }
  return undefined;
}

/**
 * Throws if the servers of the local stack have moved. `up` restarts the workers that it started; a worker that was
 * started by hand reports that it must be restarted.
 */
function assertSameServers({ home, temporal, s3 }: StackSettings): void {
  const now = readSettings({ home });
  if (now.temporal.address === temporal.address && now.s3.endpoint === s3.endpoint) return;
  throw new MtrlError('SERVER_FOREIGN', 'the servers of the local stack have moved', {
    where: `${temporal.address}, ${s3.endpoint}`,
    found: `they are now at ${now.temporal.address} and ${now.s3.endpoint}`,
    hint: 'run `npm run mtrl -- up`, or restart this worker',
  });
}

/**
 * State of a worker for `up`, `status` and `doctor`: files under the stack's home. A failed write does not stop the
 * worker.
 */
class StateFiles {
  readonly #ready: string;
  readonly #waiting: string;
  readonly #log: Logger;

  constructor(home: string, name: WorkerName, log: Logger) {
    this.#ready = readyFileOf(home, name);
    this.#waiting = waitingFileOf(home, name);
    this.#log = log;
  }

  polling(): void {
    this.#write(this.#ready, `${String(process.pid)}\n`);
    this.#remove(this.#waiting);
  }

  waiting(reason: string): void {
    this.#write(this.#waiting, `${String(process.pid)}\n${reason}\n`);
    this.#remove(this.#ready);
  }

  remove(): void {
    for (const path of [this.#ready, this.#waiting]) this.#remove(path);
  }

  #write(path: string, text: string): void {
    try {
      mkdirSync(dirname(path), { recursive: true });
      // A reader never finds half of it.
      writeFileSync(`${path}.tmp`, text);
      renameSync(`${path}.tmp`, path);
    } catch (error) {
      this.#log.warn({ path, reason: reasonOf(error) }, 'cannot write its state');
    }
  }

  #remove(path: string): void {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      this.#log.warn({ path, reason: reasonOf(error) }, 'cannot remove its state');
    }
  }
}

/** Whether the worker polls, waits or is stopping. The first signal stops it, a second one exits at once. */
class ServiceState {
  readonly end: Promise<void>;
  #ending = false;
  #waiting: string | undefined;
  #polling: { readonly worker: Polling; readonly connection: NativeConnection } | undefined;

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

  attach(worker: Polling, connection: NativeConnection): void {
    this.#polling = { worker, connection };
    this.#waiting = undefined;
    if (this.#ending) this.#shutDown();
  }

  detach(): void {
    this.#polling = undefined;
  }

  /** Records why the worker does not poll now. */
  waiting(reason: string): void {
    this.#waiting = reason;
  }

  async notReady(): Promise<string | undefined> {
    if (this.#ending) return 'stopping: no new tasks are accepted';
    const polling = this.#polling;
    if (!polling?.worker.isRunning())
      return `not polling: ${this.#waiting ?? 'Temporal does not answer, or has not yet'}`;
    const { connection } = polling;
    await connection.withDeadline(Date.now() + answerTimeoutMs, () => connection.workflowService.getSystemInfo({}));
    return undefined;
  }

  #shutDown(): void {
    this.#polling?.worker.shutdown();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MtrlError) return describeError(error);
  return error instanceof Error ? error.message : String(error);
}
