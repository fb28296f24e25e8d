/**
 * Finds hashes of different sides that differ in few bits, without comparing all pairs: if hashes are cut into bands,
 * two near ones are equal or almost equal in at least one band (multi-index hashing, Norouzi et al. 2012, arXiv
 * 1307.2982).
 */
import type { PerceptualHash } from './perceptual-hash.ts';

export interface HashedItem {
  readonly hash: PerceptualHash;
  /** Bit set of the item's sides: near items matter only if they are not all on one side. */
  readonly sides: number;
}

export interface NearItems {
  /** Indices of the items that have one hash, or one of two near hashes. */
  readonly items: readonly number[];
  /** Differing bits, of 64. */
  readonly distance: number;
}

/** Makes bands wide enough that few unrelated hashes share one, and narrow enough to count their values in an array. */
const bandCountMin = 4;

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const isSplit = (sides: number): boolean => (sides & (sides - 1)) !== 0;

/** Items grouped by hash, so that many copies of an image do not cause many comparisons. */
interface Distinct {
  readonly items: readonly (readonly number[])[];
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly sides: Uint32Array;
}

function distinctOf(items: readonly HashedItem[]): Distinct {
  const places = new Map<string, number>();
  const members: number[][] = [];
  const hashes: HashedItem[] = [];
  items.forEach(({ hash, sides }, index) => {
    const key = hash.join();
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, members.length);
      members.push([index]);
      hashes.push({ hash, sides });
      return;
    }
    members[place]?.push(index);
    hashes[place] = { hash, sides: (hashes[place]?.sides ?? 0) | sides };
  });
  return {
    items: members,
    high: Uint32Array.from(hashes, ({ hash }) => hash[0]),
    low: Uint32Array.from(hashes, ({ hash }) => hash[1]),
    sides: Uint32Array.from(hashes, ({ sides }) => sides),
  };
}

/** Bits [from, to) of each 64-bit hash, at most 16 of them. */
function bandOf({ high, low }: Distinct, from: number, to: number): Uint32Array {
  const mask = 2 ** (to - from) - 1;
  return Uint32Array.from(high, (word, i) => {
    const shift = 64 - to;
    const lower = low[i] ?? 0;
    if (shift >= 32) return (word >>> (shift - 32)) & mask;
    if (to - 32 >= to - from) return (lower >>> shift) & mask;
    return (((word << (to - 32)) >>> 0) | (lower >>> shift)) & mask;
  });
}

/** Indices sorted by key, and the start of each key's indices (counting sort). */
function buckets(keys: Uint32Array, keyCount: number): { readonly order: Uint32Array; readonly starts: Uint32Array } {
  const starts = new Uint32Array(keyCount + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key < keyCount; key++) starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(keys.length);
  keys.forEach((key, i) => {
    const place = next[key] ?? 0;
    order[place] = i;
    next[key] = place + 1;
  });
  return { order, starts };
}

/**
 * Visits every pair of entries whose bands differ in at most `radius` (0 or 1) bits. Plain loops, because this is the
 * hot path.
 */
function eachBandPair(
  keys: Uint32Array,
  bitCountOfBand: number,
  radius: number,
  visit: (i: number, j: number) => void,
): void {
  const { order, starts } = buckets(keys, 2 ** bitCountOfBand);
  const visitAll = (i: number, from: number, to: number): void => {
    for (let q = from; q < to; q++) visit(i, order[q] as number);
  };
  for (let key = 0; key + 1 < starts.length; key++) {
    const end = starts[key + 1] as number;
    for (let p = starts[key] as number; p < end; p++) {
      const i = order[p] as number;
      visitAll(i, p + 1, end);
      // Each pair of buckets is visited once, at the smaller key.
      for (let bit = 0; bit < bitCountOfBand * radius; bit++) {
        const other = key | (1 << bit);
        if (other !== key) visitAll(i, starts[other] as number, starts[other + 1] as number);
      }
    }
  }
}

/**
 * Every pair of distinct hashes at most `distanceMax` (in [0, 10]) bits apart, and every hash of several items, if the
 * items are on several sides.
 */
export function nearHashes(items: readonly HashedItem[], distanceMax: number): NearItems[] {
  const distinct = distinctOf(items);
  const { high, low, sides } = distinct;
  const found: NearItems[] = [];
  distinct.items.forEach((members, i) => {
    if (isSplit(sides[i] ?? 0)) found.push({ items: members, distance: 0 });
  });
  // With this many bands, at least one differs in no bit (radius 0) or in at most one bit (radius 1).
  const bandCount = Math.max(bandCountMin, Math.ceil((distanceMax + 1) / 2));
  const radius = distanceMax < bandCount ? 0 : 1;
  const bounds = Array.from({ length: bandCount + 1 }, (_, band) => Math.floor((64 * band) / bandCount));
  const bands = bounds.slice(1).map((to, band) => bandOf(distinct, bounds[band] ?? 0, to));
  const isFoundBefore = (band: number, i: number, j: number): boolean =>
    bands.some((earlier, b) => b < band && bitCount((earlier[i] ?? 0) ^ (earlier[j] ?? 0)) <= radius);
  bands.forEach((keys, band) => {
    eachBandPair(keys, (bounds[band + 1] ?? 64) - (bounds[band] ?? 0), radius, (i, j) => {
      const distance =
        bitCount((high[i] as number) ^ (high[j] as number)) + bitCount((low[i] as number) ^ (low[j] as number));
      if (distance > distanceMax || !isSplit((sides[i] as number) | (sides[j] as number))) return;
      if (isFoundBefore(band, i, j)) return;
      found.push({ items: [...(distinct.items[i] ?? []), ...(distinct.items[j] ?? [])], distance });
    });
  });
  return found;
}
