/** The services of infra/compose.yaml, started in its order, each when what it needs is as the file wants it. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ended, type Ran, runProcess, startProcess, stopProcess, tailOf } from './processes.ts';
import type { LocalService, Translated } from './translation.ts';

/** Between two checks: shorter than the file's interval, so that no wait is longer than it must be. */
const probePauseMs = 250;

interface Started {
  /** Rejects if the service never becomes healthy. */
  readonly healthy: () => Promise<void>;
  /** Rejects if it ends otherwise than with 0, after the restarts that the file allows. */
  readonly completed: () => Promise<void>;
}

export interface Stopped {
  readonly name: string;
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
}

export class LocalStack {
  /** What happened, in order: `started temporal`, `healthy temporal`, `completed prepare`. */
  readonly events: string[] = [];
  readonly #services: ReadonlyMap<string, LocalService>;
  readonly #absent: Translated['absent'];
  readonly #starts = new Map<string, Promise<Started | undefined>>();
  readonly #children = new Map<string, ChildProcess>();
  #starting: readonly Promise<void>[] = [];
  /** Aborted, with the reason, when nothing is to be started or awaited any more. */
  readonly #end = new AbortController();

  constructor({ services, absent }: Translated) {
    this.#services = new Map(services.map((service) => [service.name, service]));
    this.#absent = absent;
  }

  /** Starts everything, and waits until each service is healthy, completed, or at least started. */
  async up(): Promise<void> {
    this.#starting = [...this.#services.values()].map(async ({ name, probe, restartCountMax }) => {
      const started = await this.#start(name);
      if (probe !== undefined) await started?.healthy();
      else if (restartCountMax > 0) await started?.completed();
    });
    await Promise.all(this.#starting);
  }

  /**
   * Runs a service once more, with other arguments if they are given (`docker compose run`). Rejects if a service that
   * should go on ends meanwhile.
   */
  async run(name: string, args?: readonly string[]): Promise<Ran> {
    const { signal } = this.#end;
    const result = await runProcess({ ...(await this.#serviceOf(name).main(args)), signal });
    signal.throwIfAborted();
    return result;
  }

  /** Stops each service after those that need it, by its signal. Returns them in the order of their ends. */
  async down(): Promise<Stopped[]> {
    this.#end.abort(new Error('the stack is stopping'));
    const stopped: Stopped[] = [];
    const stops = new Map<string, Promise<void>>();
    const stop = (name: string): Promise<void> => {
      const done =
        stops.get(name) ??
        (async () => {
          const needing = [...this.#services.values()].filter(({ needs }) => needs.some(([need]) => need === name));
          await Promise.all(needing.map((service) => stop(service.name)));
          const child = this.#children.get(name);
          if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
          stopped.push({ name, code: await stopProcess(child, this.#serviceOf(name).stopSignal) });
        })();
      stops.set(name, done);
      return done;
    };
    await Promise.all([...this.#services.keys()].map(stop));
    return stopped;
  }

  /** Ends what is left of it, whatever its state. */
  async kill(): Promise<void> {
    this.#end.abort(new Error('the stack is stopping'));
    await Promise.all([...this.#children.values()].map((child) => stopProcess(child, 'SIGKILL')));
    await Promise.allSettled(this.#starting);
  }

  #start(name: string): Promise<Started | undefined> {
    const start = this.#starts.get(name) ?? this.#startOnce(name);
    this.#starts.set(name, start);
    return start;
  }

  /** undefined for a service that is absent here. */
  async #startOnce(name: string): Promise<Started | undefined> {
    if (name in this.#absent) return undefined;
    const service = this.#serviceOf(name);
    await Promise.all(
      service.needs.map(async ([need, condition]) => {
        const needed = await this.#start(need);
        if (condition === 'service_healthy') await needed?.healthy();
        if (condition === 'service_completed_successfully') await needed?.completed();
      }),
    );
    await this.#spawn(service);
    return { healthy: once(() => this.#healthy(service)), completed: once(() => this.#completed(service)) };
  }

  async #spawn(service: LocalService): Promise<void> {
    const command = await service.main();
    this.#end.signal.throwIfAborted();
    const child = startProcess(command);
    this.#children.set(service.name, child);
    this.events.push(`started ${service.name}`);
    // Docker would start it again; here it should not have ended.
    if (service.restartCountMax === 0)
      void ended(child).then((code) => {
        this.#end.abort(failure(service, code));
      });
  }

  async #healthy({ name, probe }: LocalService): Promise<void> {
    if (probe === undefined) throw new Error(`${name} has no health check`);
    while ((await runProcess(probe)).code !== 0) {
      this.#end.signal.throwIfAborted();
      await sleep(probePauseMs);
    }
    this.events.push(`healthy ${name}`);
  }

  async #completed(service: LocalService): Promise<void> {
    const { name, restartCountMax } = service;
    for (let restartCount = 0; ; restartCount++) {
      const child = this.#children.get(name);
      const code = child && (await ended(child));
      if (code === 0) break;
      this.#end.signal.throwIfAborted();
      if (restartCount === restartCountMax) throw failure(service, code);
      // Docker's pauses: 100 ms, and twice as long each time.
      await sleep(100 * 2 ** restartCount);
      await this.#spawn(service);
    }
    this.events.push(`completed ${name}`);
  }

  #serviceOf(name: string): LocalService {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`infra/compose.yaml has no service ${name} that is started here`);
    return service;
  }
}

function failure({ name, log }: LocalService, code: number | string | undefined): Error {
  return new Error(`${name} ended with ${String(code)}:\n${tailOf(log)}`);
}

/** Asks once, whoever waits for it. */
function once(wait: () => Promise<void>): () => Promise<void> {
  let waiting: Promise<void> | undefined;
  return () => (waiting ??= wait());
}
