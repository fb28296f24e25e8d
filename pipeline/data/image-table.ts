/**
 * Index of a dataset's images: its packs, and a list of its images sorted by digest, in shards. Finding an image reads
 * one shard, the one that covers its digest, however many packs there are.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { assert, required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { type ImagePackIndex, openImagePack } from '../../judge/datasets/sources/image-pack.ts';
import type { StoredImagePack } from './image-packer.ts';
import type { JsonCache } from '../json-cache.ts';

/** Stored as JSON. */
export interface ImageTable {
  /** Encoded images, concatenated. */
  readonly packs: readonly ArtifactRef[];
  /** Sorted by digest. */
  readonly shards: readonly ImageShard[];
}

interface ImageShard {
  /** 44 bytes per image: sha256 (32 bytes), then pack index, offset and byte length as little-endian uint32. */
  readonly entries: ArtifactRef;
  /** The shard's smallest digest, in hex. */
  readonly firstDigest: string;
}

const digestLength = 32;
const entryLength = digestLength + 12;
const shardImageCount = 16_384;

/** Above this total size, packs are not read whole: they would evict each other from the cache. */
const wholePacksByteLengthMax = 256 << 20;

/** Sorts in memory, 44 bytes per image. An image in several packs is listed with the first of them. */
export async function storeImageTable(cache: JsonCache, packs: readonly StoredImagePack[]): Promise<ImageTable> {
  const entries = new EntryList();
  for (const [pack, { index }] of packs.entries()) {
    const places = (await cache.store.getJson(index)) as ImagePackIndex;
    for (const [digest, { offset, byteLength }] of Object.entries(places))
      entries.add(digest, pack, offset, byteLength);
  }
  const sorted = entries.sorted();
  const shards: ImageShard[] = [];
  for (let from = 0; from < sorted.byteLength; from += shardImageCount * entryLength) {
    const bytes = sorted.subarray(from, from + shardImageCount * entryLength);
    const firstDigest = bytes.subarray(0, digestLength).toString('hex');
    shards.push({ entries: await cache.store.putBytes(bytes, { keep: false }), firstDigest });
  }
  return { packs: packs.map(({ bytes }) => bytes), shards };
}

class EntryList {
  #bytes = Buffer.alloc(1_024 * entryLength);
  #count = 0;

  add(digest: string, pack: number, offset: number, byteLength: number): void {
    const at = this.#count++ * entryLength;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], at * 2);
    this.#bytes.write(digest, at, 'hex');
    [pack, offset, byteLength].forEach((value, i) => this.#bytes.writeUInt32LE(value, at + digestLength + 4 * i));
  }

  /** Entries sorted by digest, without duplicates. */
  sorted(): Buffer {
    const entry = (i: number): Buffer => this.#bytes.subarray(i * entryLength, (i + 1) * entryLength);
    const digestAt = (i: number): Buffer => entry(i).subarray(0, digestLength);
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i);
    order.sort((a, b) => digestAt(a).compare(digestAt(b)) || a - b);
    const once = order.filter((i, place) => place === 0 || !digestAt(i).equals(digestAt(order[place - 1] ?? 0)));
    const sorted = Buffer.alloc(once.length * entryLength);
    once.forEach((i, place) => entry(i).copy(sorted, place * entryLength));
    return sorted;
  }
}

/** The encoded bytes of one image. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function imageBytes(
  cache: JsonCache,
  { images: { packs, shards } }: { readonly images: ImageTable },
  digest: string,
): Promise<Uint8Array> {
  const shard = lastNotAfter(shards.length, (i) => required(shards[i], 'a shard').firstDigest <= digest);
  const place = shards[shard] && find(await cache.getBytes(shards[shard].entries), digest);
  if (place === undefined)
    throw new MtrlError('ARTIFACT_MISSING', `the dataset has no image ${digest}`, { where: digest });
  const { offset, byteLength } = place;
  const pack = required(packs[place.pack], 'the pack of an image');
  const wholeByteLength = packs.reduce((sum, one) => sum + one.byteLength, 0);
  if (wholeByteLength <= wholePacksByteLengthMax)
    return openImagePack(await cache.getBytes(pack), { [digest]: { offset, byteLength } }).get(digest);
  const image = await cache.getRange(pack, offset, byteLength);
  return openImagePack(image, { [digest]: { offset: 0, byteLength: image.byteLength } }).get(digest);
}

function find(bytes: Uint8Array, digest: string) {
  const entries = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wanted = Buffer.from(digest, 'hex');
  assert(wanted.byteLength === digestLength, `not a sha256: ${digest}`);
  const digestAt = (i: number): Buffer => entries.subarray(i * entryLength, i * entryLength + digestLength);
  const at = lastNotAfter(entries.byteLength / entryLength, (i) => digestAt(i).compare(wanted) <= 0);
  if (at < 0 || !digestAt(at).equals(wanted)) return undefined;
  const word = (i: number): number => entries.readUInt32LE(at * entryLength + digestLength + 4 * i);
  return { pack: word(0), offset: word(1), byteLength: word(2) };
}

/** Binary search: the last index below `count` for which the predicate holds; -1 if there is none. */
function lastNotAfter(count: number, isNotAfter: (index: number) => boolean): number {
  let [low, high] = [-1, count];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (isNotAfter(middle)) low = middle;
    else high = middle;
  }
  return low;
}
