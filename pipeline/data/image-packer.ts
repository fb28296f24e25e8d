/** Images into packs while they come: no more of them is in memory than one pack that fills and one that is on its way. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { packImages } from '../../judge/datasets/sources/image-pack.ts';
import type { JsonCache } from '../json-cache.ts';

export interface StoredImagePack {
  readonly bytes: ArtifactRef;
  /** JSON: ImagePackIndex. */
  readonly index: ArtifactRef;
}

export const packByteLengthMax = 32 << 20;
/** From this size on a pack ends at an image chosen by its digest, so that soon after a change packs are the same again. */
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

  /** Each image once. Waits while the pack before this one is still being stored. */
  async add(digest: string, bytes: Uint8Array): Promise<void> {
    if (this.#byteLength > 0 && this.#byteLength + bytes.byteLength > packByteLengthMax) await this.#flush();
    // a part of something much larger would keep all of it
    this.#part.set(digest, bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());
    this.#byteLength += bytes.byteLength;
    this.imageCount++;
    if (this.#byteLength >= packByteLengthMin && endingDigest.test(digest)) await this.#flush();
  }

  /** The packs, in the order in which their images came. */
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
    // reported to the next caller that waits for it
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
