/** Caches processed images up to a memory limit: the prompts of an experiment use the same images repeatedly. */
import { ByteCache } from '../../core/byte-cache.ts';
import { sha256 } from '../../core/json.ts';
import type { RgbImage } from './rgb-image.ts';
import { decodeImage } from './rgb-image.ts';

/** A change of decoded pixels that keeps their size. */
export type ImageChange = (image: RgbImage) => RgbImage;

export class ProcessedImages<T> {
  readonly #cache: ByteCache<T>;
  readonly #process: (image: RgbImage, where: string) => T;
  readonly #byteLengthOf: (processed: T) => number;

  constructor(
    byteLengthMax: number,
    process: (image: RgbImage, where: string) => T,
    byteLengthOf: (processed: T) => number,
  ) {
    this.#cache = new ByteCache(byteLengthMax);
    this.#process = process;
    this.#byteLengthOf = byteLengthOf;
  }

  /**
   * Processes a PNG, JPEG, ... file. Callers share the result and must not modify it. Changed images are not cached: each
   * training step changes them anew. Throws IMAGE_UNREADABLE.
   */
  async of(encoded: Uint8Array, change?: ImageChange): Promise<T> {
    const digest = sha256(encoded);
    const where = `image ${digest}`;
    if (change !== undefined) return this.#process(change(await decodeImage(encoded, where)), where);
    const cached = this.#cache.get(digest);
    if (cached !== undefined) return cached;
    const processed = this.#process(await decodeImage(encoded, where), where);
    this.#cache.set(digest, processed, this.#byteLengthOf(processed));
    return processed;
  }
}
