/** Requests that are being answered: how many there may be, when each is given up, and the wait for the last ones. */
import type { Limits } from '../limits.ts';
import { HttpError } from './http-error.ts';

/** Weight of the last request in the mean duration that Retry-After is made of. */
const newestShare = 0.1;

export class InFlight {
  readonly #limits: Pick<Limits, 'requestCountMax' | 'deadlineMs'>;
  readonly #stop = new AbortController();
  #count = 0;
  #isDraining = false;
  #meanMs = 0;
  #whenIdle: (() => void) | undefined;

  constructor(limits: Pick<Limits, 'requestCountMax' | 'deadlineMs'>) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Runs the body of a request. The signal aborts when the client goes away, at the deadline, and when a drain has no
   * more time. Throws HttpError: 429 if there are too many requests, 503 in a drain, 504 at the deadline.
   */
  async answer<T>(client: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { requestCountMax, deadlineMs } = this.#limits;
    if (this.#isDraining) throw stopping();
    if (this.#count >= requestCountMax)
      throw new HttpError(429, `the server is answering ${requestCountMax} requests; try again later`, {
        retryAfterS: Math.max(1, Math.ceil(this.#meanMs / 1000)),
      });
    const startedAtMs = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new HttpError(504, `the answer took longer than ${deadlineMs / 1000} s`));
    }, deadlineMs);
    this.#count++;
    try {
      return await body(AbortSignal.any([client, late.signal, this.#stop.signal]));
    } catch (error) {
      // Nobody reads it; metrics count it.
      throw client.aborted ? new HttpError(499, 'the client went away', { cause: error }) : error;
    } finally {
      clearTimeout(timer);
      this.#count--;
      this.#meanMs += newestShare * (performance.now() - startedAtMs - this.#meanMs);
      if (this.#count === 0) this.#whenIdle?.();
    }
  }

  /** Refuses new requests, and waits for the others; those that still run after `timeoutMs` are given up. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#count === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    const timer = setTimeout(() => {
      this.#stop.abort(stopping());
    }, timeoutMs);
    await idle;
    clearTimeout(timer);
  }
}

function stopping(): HttpError {
  return new HttpError(503, 'the server is shutting down', { retryAfterS: 1 });
}
