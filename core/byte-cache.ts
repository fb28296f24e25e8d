/** Keeps values that are costly to make again, the most recently used ones, within a budget of bytes. */
import { assert } from './assert.ts';

export class ByteCache<T> {
  readonly #byteLengthMax: number;
  /** In the order of last use: a Map iterates in insertion order, so the oldest entry is the first. */
  readonly #entries = new Map<string, { readonly value: T; readonly byteLength: number }>();
  #byteLength = 0;

  /** `byteLengthMax` 0 keeps nothing. */
  constructor(byteLengthMax: number) {
    assert(byteLengthMax >= 0, `a cache of ${String(byteLengthMax)} bytes`);
    this.#byteLengthMax = byteLengthMax;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Whatever fits the budget is kept, and pushes out what was used longest ago. */
  set(key: string, value: T, byteLength: number): void {
    this.delete(key);
    if (byteLength > this.#byteLengthMax) return;
    this.#entries.set(key, { value, byteLength });
    this.#byteLength += byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#byteLength <= this.#byteLengthMax) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#byteLength -= entry.byteLength;
  }
}
