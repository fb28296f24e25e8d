/** Lets a bounded number of pieces of work run at the same time; the others wait in the order in which they came. */
export class Slots {
  #freeCount: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count default: no bound */
  constructor(count = Infinity) {
    this.#freeCount = count;
  }

  /** @param isNext whether to run before all that wait */
  async run<T>(work: () => Promise<T>, isNext = false): Promise<T> {
    if (this.#freeCount > 0) this.#freeCount--;
    // A slot that is given back passes to the first that waits.
    else await new Promise<void>((resolve) => (isNext ? this.#waiting.unshift(resolve) : this.#waiting.push(resolve)));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#freeCount++;
      else next();
    }
  }
}
