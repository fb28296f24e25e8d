/**
 * Heartbeats that mean something: sent only while the work behind an activity advances, so that a hung engine is found
 * by its silence. Work that stands still is stopped here; work that Temporal no longer wants is stopped too.
 */
import { setImmediate } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { MtrlError } from '../core/errors.ts';

/** The part of an activity's Context that is used here. */
export interface Pulse {
  heartbeat(details?: unknown): void;
  readonly cancellationSignal: AbortSignal;
}

export interface Watched {
  /** Never falls; rises whenever the work advances. */
  progress(): number;
  /** Stops the work; what waits for it rejects. */
  kill(): void;
}

export interface WatchOptions {
  readonly pulseMs?: number;
  readonly stalledAfterMs?: number;
}

/** Less than the heartbeat time-out of activities that compute (15 s): what hangs is said to hang, not to be late. */
const stalledAfterMsDefault = 12_000;

/** Throws COMPUTE_STALLED when nothing advanced for `stalledAfterMs`, CancelledFailure when the activity was cancelled. */
export async function whileProgressing<T>(
  pulse: Pulse,
  watched: Watched,
  body: () => Promise<T>,
  { pulseMs = 2_000, stalledAfterMs = stalledAfterMsDefault }: WatchOptions = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    let known = watched.progress();
    let stillMs = 0;
    timer = setInterval(() => {
      const now = watched.progress();
      if (now > known) {
        known = now;
        stillMs = 0;
        pulse.heartbeat();
      } else if ((stillMs += pulseMs) >= stalledAfterMs) {
        watched.kill();
        reject(stalled(stalledAfterMs));
      }
    }, pulseMs);
    onAbort = () => {
      watched.kill();
      reject(cancelled(pulse.cancellationSignal));
    };
    if (pulse.cancellationSignal.aborted) onAbort();
    else pulse.cancellationSignal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([body(), stopped]);
  } finally {
    clearInterval(timer);
    if (onAbort) pulse.cancellationSignal.removeEventListener('abort', onAbort);
  }
}

function stalled(stalledAfterMs: number): MtrlError {
  return new MtrlError(
    'COMPUTE_STALLED',
    `the engine did not advance for ${String(stalledAfterMs / 1000)} s and was stopped`,
    {
      hint: 'it is started again; if this comes back, look at what else uses the machine',
    },
  );
}

/** The signal's own reason is a CancelledFailure already, whose message says why (CANCELLED, TIMED_OUT, WORKER_SHUTDOWN). */
function cancelled({ reason }: AbortSignal): CancelledFailure {
  return reason instanceof CancelledFailure ? reason : new CancelledFailure('the activity was cancelled');
}

/** For work that asks the store and no engine: digests and uploads of large files. */
export async function whileWaiting<T>(pulse: Pulse, body: () => Promise<T>, options: WatchOptions = {}): Promise<T> {
  const waits = new Waits();
  const watched = { progress: () => waits.progress(), kill: () => undefined };
  return whileProgressing(pulse, watched, () => waits.for(body()), options);
}

/** The activity, with heartbeats while it waits for others or computes in this process's own loop, in turns. */
export function heartbeating<I, R>(activity: (input: I) => Promise<R>): (input: I) => Promise<R> {
  return (input) => whileWaiting(Context.current(), () => activity(input));
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
