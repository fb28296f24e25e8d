/** Streams images into packs. Memory holds at most two packs: one being filled and one being stored. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { packImages } from '../../judge/datasets/sources/image-pack.ts';
import type { JsonCache } from '../json-cache.ts';

export interface StoredImagePack {
  readonly bytes: ArtifactRef;
  /** JSON: ImagePackIndex. */
  readonly index: ArtifactRef;
}

export const packByteLengthMax = 32 << 20;
/**
 * From this size on, a pack ends at the next image whose digest matches `endingDigest`. With content-defined
 * boundaries, packs are the same again soon after a changed image.
 */
const packByteLengthMin = packByteLengthMax / 2;
const endingDigest = /^[0-3]/;

export class ImagePacker {
  imageCount = 0;
  readonly #cache: JsonCache;
  readonly #packs: StoredImagePack[] = [];
  #part = new Map<string, Uint8Array>();
  #byteLength = 0;
  #storing: Promise<void> = Promise.resolve();

  constructor(cache: JsonCache) {
    this.#cache = cache;
  }

  /** Call it once per image. Waits while the previous pack is still being stored. */
  async add(digest: string, bytes: Uint8Array): Promise<void> {
    if (this.#byteLength > 0 && this.#byteLength + bytes.byteLength > packByteLengthMax) await this.#flush();
    // A view would keep its whole underlying buffer in memory.
    this.#part.set(digest, bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());
    this.#byteLength += bytes.byteLength;
    this.imageCount++;
    if (this.#byteLength >= packByteLengthMin && endingDigest.test(digest)) await this.#flush();
  }

  /** All packs, in the order in which their images were added. */
  async finish(): Promise<readonly StoredImagePack[]> {
    if (this.#part.size > 0) await this.#flush();
    await this.#storing;
    return this.#packs;
  }

  async #flush(): Promise<void> {
    await this.#storing;
    const { bytes, index } = packImages(this.#part);
    this.#part = new Map();
    this.#byteLength = 0;
    this.#storing = this.#store(bytes, index);
    // Not an unhandled rejection: the next `await this.#storing` reports it.
    this.#storing.catch(() => undefined);
  }

  async #store(bytes: Uint8Array, index: StoredPackIndex): Promise<void> {
    const [bytesRef, indexRef] = await Promise.all([
      this.#cache.store.putBytes(bytes, { keep: false }),
      this.#cache.store.putJson(index),
    ]);
    this.#packs.push({ bytes: bytesRef, index: indexRef });
  }
}

type StoredPackIndex = ReturnType<typeof packImages>['index'];
