/**
 * The store's clock, as the Date header of its answers tells it. Ages and leases are compared with it alone, and
 * requests are signed by it where this machine's clock is wrong: S3 refuses a signature that is 15 minutes off.
 */

/** Below it the two clocks are the same for every purpose here: the header has whole seconds, and an answer takes time. */
const correctedFromMs = 30_000;

export class StoreClock {
  #offsetMs: number | undefined;
  #correctionMs = 0;

  /** By the Date header of an answer that has just arrived. */
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

  /** Added to this machine's time when a request is signed; 0 where its clock is right. */
  get correctionMs(): number {
    return this.#correctionMs;
  }

  /** Milliseconds since 1970; at most a second and an answer's time behind the store's own. */
  nowMs(): number {
    return Date.now() + (this.#offsetMs ?? 0);
  }
}
