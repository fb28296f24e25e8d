/** JSON artifacts, parsed once: a step's activities read the same recipe, dataset and rollouts again and again. */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { ByteCache } from '../core/byte-cache.ts';

const byteLengthMax = 256 << 20;

export class JsonCache {
  readonly store: ArtifactStore;
  readonly #values = new ByteCache<unknown>(byteLengthMax);

  constructor(store: ArtifactStore) {
    this.store = store;
  }

  /** The value is shared: do not write into it. Its type is the writer's word, its digest vouches that it is what was written. */
  async get(ref: ArtifactRef): Promise<unknown> {
    const known = this.#values.get(ref.sha256);
    if (known !== undefined) return known;
    const value = await this.store.getJson(ref);
    this.#values.set(ref.sha256, value, ref.byteLength);
    return value;
  }

  /** Kept, and ready for the next reader in this process. */
  async put(value: unknown): Promise<ArtifactRef> {
    const ref = await this.store.putJson(value);
    this.#values.set(ref.sha256, value, ref.byteLength);
    return ref;
  }
}
