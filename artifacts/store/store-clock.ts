/**
 * The store's clock, from the Date header of its responses. Ages and leases are compared with it alone, and requests are
 * signed by it if this machine's clock is wrong: S3 rejects a signature that is 15 minutes off.
 */

/** Smaller differences are ignored: the header has whole seconds, and a response takes time. */
const correctedFromMs = 30_000;

export class StoreClock {
  #offsetMs: number | undefined;
  #correctionMs = 0;

  /** From the Date header of a response that has just arrived. */
  learn(date: string | undefined): void {
    const storeMs = Date.parse(date ?? '');
    if (Number.isNaN(storeMs)) return;
    this.#offsetMs = storeMs - Date.now();
    if (Math.abs(this.#offsetMs - this.#correctionMs) >= correctedFromMs)
      this.#correctionMs = Math.abs(this.#offsetMs) >= correctedFromMs ? this.#offsetMs : 0;
  }

  get isKnown(): boolean {
    return this.#offsetMs !== undefined;
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
