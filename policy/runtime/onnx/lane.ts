/** A compute thread, seen from the calling thread: one request at a time. */
import { Worker } from 'node:worker_threads';
import { MtrlError } from '../../../core/errors.ts';
import type { Tensor } from '../graph-runner.ts';
import type { SessionConfig } from './session.ts';

/** A graph in the form that lanes load. */
export interface Model {
  readonly graph: number;
  readonly model: Uint8Array;
  readonly options: SessionConfig;
}

/** Requests to lane-thread.mjs. */
type Question =
  | ({ readonly verb: 'load' } & Model)
  | {
      readonly verb: 'run';
      readonly graph: number;
      readonly inputs: ReadonlyMap<string, Tensor>;
      readonly into: ReadonlyMap<string, Tensor>;
      readonly sums: ReadonlyMap<string, Tensor>;
    }
  | { readonly verb: 'add'; readonly isFirst: boolean }
  | { readonly verb: 'trim' }
  | { readonly verb: 'release'; readonly graph: number };

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

export class Lane {
  readonly #entry: URL;
  readonly #graphs = new Set<number>();
  #thread: Worker | undefined;
  #asked: { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void } | undefined;

  /** The thread starts with the first request. */
  constructor(entry: URL) {
    this.#entry = entry;
  }

  async load(model: Model): Promise<void> {
    if (this.#graphs.has(model.graph)) return;
    await this.ask({ verb: 'load', ...model });
    this.#graphs.add(model.graph);
  }

  async release({ graph }: Model): Promise<void> {
    if (this.#graphs.delete(graph)) await this.ask({ verb: 'release', graph });
  }

  /** Does nothing while a request is in progress. */
  async trim(): Promise<void> {
    if (this.#thread !== undefined && this.#asked === undefined) await this.ask({ verb: 'trim' });
  }

  /** Rejects with the thread's error, or COMPUTE_CRASHED if it exited; the next request starts a new thread. */
  ask(question: Question): Promise<unknown> {
    const thread = (this.#thread ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      thread.ref();
      thread.postMessage(question);
    });
  }

  #start(): Worker {
    const thread = new Worker(this.#entry);
    const settle = (answer: Answer): void => {
      // An idle thread must not keep the process alive.
      thread.unref();
      const asked = this.#asked;
      this.#asked = undefined;
      if (answer.ok) asked?.resolve(answer.value);
      else asked?.reject(answer.error as Error);
    };
    const end = (found: string, cause?: unknown): void => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#graphs.clear();
      settle({ ok: false, error: crashed(found, cause) });
    };
    thread.on('message', settle);
    thread.on('error', (error: Error) => {
      end(error.message, error);
    });
    thread.on('exit', (code) => {
      end(`exit code ${code}`);
    });
    return thread;
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }
}

function crashed(found: string, cause: unknown): MtrlError {
  return new MtrlError('COMPUTE_CRASHED', 'a thread of the compute process exited', {
    found,
    hint: 'the activity is retried on another; if this recurs, see the compute log',
    cause,
  });
}
