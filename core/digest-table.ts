/** Numbers digests in the order in which they come: 0, 1, 2... Holds their bytes and little more, however many there are. */
import { assert } from './assert.ts';

const chunkEntryCount = 16_384;
/** Slots in use, at most: beyond it, looking for a free one takes long. */
const loadMax = 0.75;

export class DigestTable {
  readonly #digestLength: number;
  /** Entries in order; grown by chunks, so that none is ever copied. */
  readonly #chunks: Uint8Array[] = [];
  /** Open addressing with linear probing: 1 + index of the entry, 0 where free. A power of two of them. */
  #slots = new Uint32Array(1_024);
  #size = 0;

  /** Digests of so many bytes, at least 4: the first of what a cryptographic hash gives. */
  constructor(digestLength: number) {
    assert(digestLength >= 4, `digests of ${digestLength} bytes`);
    this.#digestLength = digestLength;
  }

  get size(): number {
    return this.#size;
  }

  /** The digest's number; a new one where `size` has grown. Longer digests are cut off. */
  add(digest: Uint8Array): number {
    const slot = this.#slotOf(digest);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    const index = this.#size++;
    if (index % chunkEntryCount === 0) this.#chunks.push(new Uint8Array(chunkEntryCount * this.#digestLength));
    this.#entry(index).set(digest.subarray(0, this.#digestLength));
    this.#slots[slot] = index + 1;
    if (this.#size > loadMax * this.#slots.length) this.#grow();
    return index;
  }

  /** Hexadecimal. */
  digestAt(index: number): string {
    return Buffer.from(this.#entry(index)).toString('hex');
  }

  #entry(index: number): Uint8Array {
    const at = (index % chunkEntryCount) * this.#digestLength;
    const chunk = this.#chunks[Math.floor(index / chunkEntryCount)];
    assert(chunk !== undefined, `digest ${index} of ${this.#size}`);
    return chunk.subarray(at, at + this.#digestLength);
  }

  /** Where the digest is, or the free slot where it belongs. */
  #slotOf(digest: Uint8Array): number {
    assert(digest.byteLength >= this.#digestLength, `a digest of ${digest.byteLength} bytes`);
    const mask = this.#slots.length - 1;
    let slot = startOf(digest) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] ?? 0;
      if (known === 0 || this.#isAt(known - 1, digest)) return slot;
    }
  }

  #isAt(index: number, digest: Uint8Array): boolean {
    const chunk = this.#chunks[Math.floor(index / chunkEntryCount)];
    const at = (index % chunkEntryCount) * this.#digestLength;
    for (let i = 0; i < this.#digestLength; i++) if (chunk?.[at + i] !== digest[i]) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = startOf(this.#entry(index)) & mask;
      while ((this.#slots[slot] ?? 0) > 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
    }
  }
}

function startOf(digest: Uint8Array): number {
  const at = (i: number): number => digest[i] ?? 0;
  return (at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24)) >>> 0;
}
