/**
 * Heartbeats that prove progress: sent only while an activity's work advances, so that a hung engine is detected.
 * Stalled and cancelled work is stopped here.
 */
import { setImmediate } from 'node:timers/promises';
import { MtrlError } from '../core/errors.ts';

/** The caller of an activity's work: receives heartbeats, and may cancel. */
export interface Caller {
  heartbeat(details?: unknown): void;
  readonly cancellationSignal: AbortSignal;
  /** Identifies the work: the same for all attempts at one activity, different for any other activity. */
  readonly request: { readonly workflowId?: string; readonly runId?: string; readonly activityId: string };
}

export interface Watched {
  /** Never decreases; increases whenever the work advances. */
  progress(): number;
  /** Stops the work; whatever awaits it rejects. */
  stop(reason: Error): void;
}

export interface WatchOptions {
  readonly pulseMs?: number;
  readonly stalledAfterMs?: number;
}

/** Below the heartbeat timeout of compute activities (15 s): a stall is reported as a stall, not as a timeout. */
const stalledAfterMsDefault = 12_000;

/**
 * Runs the body with heartbeats. Throws COMPUTE_STALLED after `stalledAfterMs` without progress, and the signal's
 * reason on cancellation.
 */
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

/** Temporal's reason names the cause: CANCELLED, TIMED_OUT, WORKER_SHUTDOWN. */
function cancelled({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('cancelled');
}

/** Runs work that uses the store and no engine, such as digests and uploads of large files. */
export async function whileWaiting<T>(caller: Caller, body: () => Promise<T>, options: WatchOptions = {}): Promise<T> {
  const waits = new Waits();
  const watched = { progress: () => waits.progress(), stop: () => undefined };
  return whileProgressing(caller, watched, () => waits.for(body()), options);
}

/** Adds heartbeats to work that awaits others, or that computes on this event loop and yields by `turn`. */
export function heartbeating<I, R>(
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return (input, caller) => whileWaiting(caller, () => work(input, caller));
}

/** As `heartbeating`, for work that ends by itself after a cancellation, because what it has begun should be kept. */
export function heartbeatingToItsEnd<I, R>(
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  const neverCancelled = new AbortController().signal;
  return (input, caller) => whileWaiting({ ...caller, cancellationSignal: neverCancelled }, () => work(input, caller));
}

/** Yields to the event loop, so that heartbeats are sent: long computations await it between their parts. */
export async function turn(): Promise<void> {
  await setImmediate();
}

/**
 * Counts waits as progress: a request to the store succeeds or fails within its own timeouts, so waiting is not a
 * stall.
 */
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
