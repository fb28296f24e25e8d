/**
 * The store's clock, from the Date header of its responses. Ages and leases are compared with it alone, and requests are
 * signed by it if this machine's clock is wrong: S3 rejects a signature that is 15 minutes off.
 */

/** Smaller differences are ignored: the header has whole seconds, and a response takes time. */
const correctedFromMs = 30_000;

/** This machine's clocks differ by less, as long as nobody sets the wall clock and the machine does not sleep. */
const jumpedFromMs = 5_000;

export class StoreClock {
  #offsetMs: number | undefined;
  #correctionMs = 0;
  /** Wall clock minus the clock that only goes forward, when the offset was learned. */
  #wallMinusUpMs = 0;

  /** From the Date header of a response that has just arrived. */
  learn(date: string | undefined): void {
    const storeMs = Date.parse(date ?? '');
    if (Number.isNaN(storeMs)) return;
    this.#offsetMs = storeMs - Date.now();
    this.#wallMinusUpMs = wallMinusUpMs();
    if (Math.abs(this.#offsetMs - this.#correctionMs) >= correctedFromMs)
      this.#correctionMs = Math.abs(this.#offsetMs) >= correctedFromMs ? this.#offsetMs : 0;
  }

  /** False before the first response, and since this machine's clock was set: the next response tells the offset. */
  get isKnown(): boolean {
    return this.#offsetMs !== undefined && Math.abs(wallMinusUpMs() - this.#wallMinusUpMs) < jumpedFromMs;
  }

  /** Added to this machine's time for signing; 0 if its clock is right. */
  get correctionMs(): number {
    return this.#correctionMs;
  }

  /** Milliseconds since 1970; behind the store's clock by at most a second plus the latency of a response. */
  nowMs(): number {
    return Date.now() + (this.#offsetMs ?? 0);
  }
}

function wallMinusUpMs(): number {
  return Date.now() - performance.now();
}
