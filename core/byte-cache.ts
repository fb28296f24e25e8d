/** Keeps values that are costly to make again, the most recently used ones, within a budget of bytes. */
import { LRUCache } from 'lru-cache';
import { assert } from './assert.ts';

export class ByteCache<T> {
  readonly #byteLengthMax: number;
  readonly #kept: LRUCache<string, { readonly value: T }>;

  /** `byteLengthMax` 0 keeps nothing that has bytes. */
  constructor(byteLengthMax: number) {
    assert(byteLengthMax >= 0, `a cache of ${String(byteLengthMax)} bytes`);
    this.#byteLengthMax = byteLengthMax;
    this.#kept = new LRUCache({ maxSize: sizeOf(byteLengthMax) });
  }

  get byteLength(): number {
    return this.#kept.calculatedSize;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  /** Whatever fits the budget is kept, and pushes out what was used longest ago. */
  set(key: string, value: T, byteLength: number): void {
    if (byteLength > this.#byteLengthMax) this.#kept.delete(key);
    else this.#kept.set(key, { value }, { size: sizeOf(byteLength) });
  }
}

/** The library counts from 1. */
function sizeOf(byteLength: number): number {
  return Math.max(1, byteLength);
}
