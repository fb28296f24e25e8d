/** Numbers digests in order of arrival: 0, 1, 2... Uses little more memory than their bytes. */
import { assert, required } from './assert.ts';

const chunkEntryCount = 16_384;
/** Maximum load factor; probing is slow above it. */
const loadMax = 0.75;

/**
 * A hash table with open addressing and linear probing. A slot holds 1 + the index of its entry, or 0 if free; the
 * number of slots is a power of two.
 */
interface Part {
  slots: Uint32Array;
  size: number;
}

export class DigestTable {
  readonly #digestLength: number;
  /** Entries in order, in chunks, so that growth copies none. */
  readonly #chunks: Uint8Array[] = [];
  /** Indexed by the digest's first byte, so that only one of 256 parts grows at a time. */
  readonly #parts = Array.from({ length: 256 }, (): Part => ({ slots: new Uint32Array(8), size: 0 }));
  #size = 0;

  /** `digestLength`: bytes stored per digest, a prefix of a cryptographic hash; at least 5. */
  constructor(digestLength: number) {
    assert(digestLength >= 5, `digests of ${digestLength} bytes`);
    this.#digestLength = digestLength;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the digest's number; a new digest gets the next one, and `size` grows. Longer digests are truncated. */
  add(digest: Uint8Array): number {
    const part = required(this.#parts[digest[0] ?? 0], 'the part of a digest');
    const slot = this.#slotOf(part, digest);
    const known = part.slots[slot] ?? 0;
    if (known > 0) return known - 1;
    const index = this.#size++;
    if (index % chunkEntryCount === 0) this.#chunks.push(new Uint8Array(chunkEntryCount * this.#digestLength));
    this.#entry(index).set(digest.subarray(0, this.#digestLength));
    part.slots[slot] = index + 1;
    part.size++;
    if (part.size > loadMax * part.slots.length) this.#grow(part);
    return index;
  }

  /** The digest in hexadecimal. */
  digestAt(index: number): string {
    return Buffer.from(this.#entry(index)).toString('hex');
  }

  #entry(index: number): Uint8Array {
    const at = (index % chunkEntryCount) * this.#digestLength;
    const chunk = this.#chunks[Math.floor(index / chunkEntryCount)];
    assert(chunk !== undefined, `digest ${index} of ${this.#size}`);
    return chunk.subarray(at, at + this.#digestLength);
  }

  /** The slot of the digest, or the free slot for it. */
  #slotOf({ slots }: Part, digest: Uint8Array): number {
    assert(digest.byteLength >= this.#digestLength, `a digest of ${digest.byteLength} bytes`);
    const mask = slots.length - 1;
    let slot = startOf(digest) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const known = slots[slot] ?? 0;
      if (known === 0 || this.#isAt(known - 1, digest)) return slot;
    }
  }

  #isAt(index: number, digest: Uint8Array): boolean {
    const chunk = this.#chunks[Math.floor(index / chunkEntryCount)];
    const at = (index % chunkEntryCount) * this.#digestLength;
    for (let i = 0; i < this.#digestLength; i++) if (chunk?.[at + i] !== digest[i]) return false;
    return true;
  }

  #grow(part: Part): void {
    const entries = part.slots.filter((known) => known > 0);
    part.slots = new Uint32Array(part.slots.length * 2);
    const mask = part.slots.length - 1;
    for (const entry of entries) {
      let slot = startOf(this.#entry(entry - 1)) & mask;
      while ((part.slots[slot] ?? 0) > 0) slot = (slot + 1) & mask;
      part.slots[slot] = entry;
    }
  }
}

/** The initial slot, from bytes 1 to 4; byte 0 chooses the part. */
function startOf(digest: Uint8Array): number {
  const at = (i: number): number => digest[i] ?? 0;
  return (at(1) | (at(2) << 8) | (at(3) << 16) | (at(4) << 24)) >>> 0;
}
