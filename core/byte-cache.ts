/** An LRU cache with a byte budget, for values that are costly to recompute. */
import { LRUCache } from 'lru-cache';
import { assert } from './assert.ts';

export class ByteCache<T> {
  readonly #byteLengthMax: number;
  readonly #kept: LRUCache<string, { readonly value: T }>;

  /** `byteLengthMax`: 0 caches only empty values. */
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

  /** Caches a value if it fits the budget, and evicts the least recently used ones. */
  set(key: string, value: T, byteLength: number): void {
    if (byteLength > this.#byteLengthMax) this.#kept.delete(key);
    else this.#kept.set(key, { value }, { size: sizeOf(byteLength) });
  }
}

/** The library requires sizes of at least 1. */
function sizeOf(byteLength: number): number {
  return Math.max(1, byteLength);
}
