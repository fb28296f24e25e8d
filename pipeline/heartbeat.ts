/**
 * Heartbeats that prove progress: sent only while the work of an activity advances, so that a hung engine is detected.
 * Stalled work is stopped here, and so is work that was cancelled.
 */
import { setImmediate } from 'node:timers/promises';
import { MtrlError } from '../core/errors.ts';

/** Whoever waits for a result: receives progress, and may cancel. */
export interface Caller {
  heartbeat(details?: unknown): void;
  readonly cancellationSignal: AbortSignal;
  /** The same for every attempt at one piece of work, another for every other one. */
  readonly request: { readonly workflowId?: string; readonly runId?: string; readonly activityId: string };
}

export interface Watched {
  /** Never falls; rises whenever the work advances. */
  progress(): number;
  /** Stops the work; what waits for it rejects. */
  stop(reason: Error): void;
}

export interface WatchOptions {
  readonly pulseMs?: number;
  readonly stalledAfterMs?: number;
}

/** Less than the heartbeat time-out of activities that compute (15 s): what hangs is said to hang, not to be late. */
const stalledAfterMsDefault = 12_000;

/** Throws COMPUTE_STALLED when nothing advanced for `stalledAfterMs`, what the signal says when the caller cancelled. */
export async function whileProgressing<T>(
  caller: Caller,
  watched: Watched,
  body: () => Promise<T>,
  { pulseMs = 2_000, stalledAfterMs = stalledAfterMsDefault }: WatchOptions = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    const stop = (reason: Error): void => {
      watched.stop(reason);
      reject(reason);
    };
    let known = watched.progress();
    let stillMs = 0;
    timer = setInterval(() => {
      const now = watched.progress();
      if (now > known) {
        known = now;
        stillMs = 0;
        caller.heartbeat();
      } else if ((stillMs += pulseMs) >= stalledAfterMs) {
        stop(stalled(stalledAfterMs));
      }
    }, pulseMs);
    onAbort = () => {
      stop(cancelled(caller.cancellationSignal));
    };
    if (caller.cancellationSignal.aborted) onAbort();
    else caller.cancellationSignal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([body(), stopped]);
  } finally {
    clearInterval(timer);
    if (onAbort) caller.cancellationSignal.removeEventListener('abort', onAbort);
  }
}

function stalled(stalledAfterMs: number): MtrlError {
  return new MtrlError(
    'COMPUTE_STALLED',
    `the engine made no progress for ${String(stalledAfterMs / 1000)} s and was stopped`,
    {
      hint: 'it is restarted; if this recurs, see what else uses the machine',
    },
  );
}

/** Temporal's says why: CANCELLED, TIMED_OUT, WORKER_SHUTDOWN. */
function cancelled({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('cancelled');
}

/** For work that asks the store and no engine: digests and uploads of large files. */
export async function whileWaiting<T>(caller: Caller, body: () => Promise<T>, options: WatchOptions = {}): Promise<T> {
  const waits = new Waits();
  const watched = { progress: () => waits.progress(), stop: () => undefined };
  return whileProgressing(caller, watched, () => waits.for(body()), options);
}

/** The work, with heartbeats while it waits for others or computes in this process's own loop, in turns. */
export function heartbeating<I, R>(
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return (input, caller) => whileWaiting(caller, () => work(input, caller));
}

/** Lets this process's loop come round, so that its heartbeats are sent: for long computations to await between parts. */
export async function turn(): Promise<void> {
  await setImmediate();
}

/** Progress of waiting: a store that is asked answers or fails within its own time-outs, so a wait counts as advancing. */
export class Waits {
  #open = 0;
  #count = 0;

  async for<T>(work: Promise<T>): Promise<T> {
    this.#open++;
    try {
      return await work;
    } finally {
      this.#open--;
      this.#count++;
    }
  }

  progress(): number {
    if (this.#open > 0) this.#count++;
    return this.#count;
  }
}
