/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * A number is a function of (key, counter) alone, so the draw for one token of one rollout does not depend on earlier
 * draws, on how a batch is sharded, or on how often an activity is retried.
 */
import { createHash } from 'node:crypto';
import { assert } from './assert.ts';

export type Key = readonly [number, number];
type Block = readonly [number, number, number, number];

const roundCount = 10;
const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** High 32 bits of a 32x32-bit product, from 16-bit limbs; no intermediate value exceeds 32 bits. */
function highWord(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16);
  const middle2 = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff);
  return (Math.imul(a1, b1) + (middle >>> 16) + (middle2 >>> 16)) | 0;
}

/** One Philox4x32-10 block: four 32-bit words for a 128-bit counter under a 64-bit key. */
export function philox(counter: Block, key: Key): Block {
  const words = new Uint32Array(4);
  writeBlock(words, 0, counter, key);
  return [words[0] as number, words[1] as number, words[2] as number, words[3] as number];
}

function writeBlock(words: Uint32Array, at: number, counter: Block, key: Key): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < roundCount; round++) {
    const high0 = highWord(multiplier0, c0);
    const high1 = highWord(multiplier1, c2);
    const low0 = Math.imul(multiplier0, c0);
    c0 = high1 ^ c1 ^ k0;
    c1 = Math.imul(multiplier1, c2);
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  words[at] = c0;
  words[at + 1] = c1;
  words[at + 2] = c2;
  words[at + 3] = c3;
}

/**
 * The key of a named stream: 64 bits of the sha256 of the path, so that streams with different names are independent.
 */
export function keyOf(...path: readonly (string | number)[]): Key {
  const digest = createHash('sha256').update(JSON.stringify(path)).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** A float32 strictly inside (0, 1) from the top 23 bits of a word: exact in float32, never 0 and never 1. */
export function openUnit(word: number): number {
  return ((word >>> 9) + 0.5) / 8388608;
}

/** An array or a typed array. */
interface Shufflable {
  readonly length: number;
  [place: number]: unknown;
}

/** A sequence of draws under one key, for code that consumes draws in order (a scene, a shuffle, a bootstrap). */
export class Rng {
  readonly #key: Key;
  #counter = 0;
  #block: Block = [0, 0, 0, 0];
  #used = 4;

  constructor(...path: readonly (string | number)[]) {
    this.#key = keyOf(...path);
  }

  /** The next 32-bit word. */
  word(): number {
    if (this.#used === 4) {
      this.#block = philox(this.#next(), this.#key);
      this.#counter++;
      this.#used = 0;
    }
    return this.#block[this.#used++ as 0 | 1 | 2 | 3];
  }

  #next(): Block {
    return [this.#counter >>> 0, Math.floor(this.#counter / 2 ** 32), 0, 0];
  }

  /** Fills the array with the next words, as repeated calls of `word` would. */
  fill(words: Uint32Array): void {
    let at = 0;
    while (at < words.length && this.#used < 4) words[at++] = this.word();
    for (; at + 4 <= words.length; at += 4) {
      writeBlock(words, at, this.#next(), this.#key);
      this.#counter++;
    }
    while (at < words.length) words[at++] = this.word();
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 67108864 + (this.word() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [low, high). */
  integer(low: number, high: number): number {
    assert(high > low, `no integer in [${low}, ${high})`);
    return low + Math.floor(this.uniform() * (high - low));
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, 'cannot pick from nothing');
    return items[this.integer(0, items.length)] as T;
  }

  /** Standard normal by Box-Muller; the second value is discarded, so that each call uses the same number of words. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher-Yates, in place; returns the same array. */
  shuffle<A extends Shufflable>(items: A): A {
    const places: Shufflable = items;
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      [places[i], places[j]] = [places[j], places[i]];
    }
    return items;
  }
}
