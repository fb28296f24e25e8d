/**
 * In-memory cache of artifacts that activities read repeatedly: the activities of a step share their recipe, examples
 * and images. Concurrent readers of an artifact share one fetch.
 */
import { asJson, jsonBytes, parseJsonBytes } from '../artifacts/codecs/json-value.ts';
import { type Format, inFormat } from '../artifacts/format.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { RowSource } from '../artifacts/codecs/row-table.ts';
import { ByteCache } from '../core/byte-cache.ts';
import type { Recipe } from '../recipes/recipe.ts';

const jsonByteLengthMax = 256 << 20;
const bytesByteLengthMax = 512 << 20;
const rowsByteLengthMax = 64 << 20;
const columnsByteLengthMax = 128 << 20;

export class JsonCache implements RowSource {
  readonly store: ArtifactStore;
  /** Rows of tables (artifacts/codecs/row-table.ts), which are read by row. */
  readonly rows = new ByteCache<unknown>(rowsByteLengthMax);
  /** Columns of tables, which are read by column. */
  readonly columns = new ByteCache<readonly unknown[]>(columnsByteLengthMax);
  readonly #values = new Shared<unknown>(jsonByteLengthMax);
  readonly #bytes = new Shared<Uint8Array>(bytesByteLengthMax);

  constructor(store: ArtifactStore) {
    this.store = store;
  }

  /** The value is shared: do not modify it. Its digest is verified; its type is not checked. */
  get(ref: ArtifactRef): Promise<unknown> {
    return this.#values.get(ref, () => this.store.getJson(ref));
  }

  /** Like `get`. Throws FORMAT_UNSUPPORTED. */
  async getDocument<T>(ref: ArtifactRef, format: Format<T>): Promise<T> {
    return inFormat(format, await this.get(ref), ref.uri);
  }

  /** The bytes are shared: do not modify them. */
  getBytes(ref: ArtifactRef): Promise<Uint8Array> {
    return this.#bytes.get(ref, () => this.store.getBytes(ref));
  }

  /** A part of an artifact, not cached; verifying it is up to the caller. */
  getRange(ref: ArtifactRef, offset: number, byteLength: number): Promise<Uint8Array> {
    return this.store.getRange(ref, offset, byteLength);
  }

  /** Stores the value, and caches it for the next reader in this process. */
  put(value: unknown): Promise<ArtifactRef> {
    return this.#put(jsonBytes(value));
  }

  /** The same for a recipe: the order of its tasks and arms means something, so it is kept. */
  putRecipe(recipe: Recipe): Promise<ArtifactRef> {
    return this.#put(new TextEncoder().encode(JSON.stringify(asJson(recipe))));
  }

  /** Caches what any other process will read: members in the same order, nothing more or less. */
  async #put(bytes: Uint8Array): Promise<ArtifactRef> {
    const ref = await this.store.putBytes(bytes);
    this.#values.set(ref, parseJsonBytes(bytes));
    return ref;
  }
}

/** Values by digest: cached up to a byte limit, and fetched only once at a time. */
class Shared<T> {
  readonly #kept: ByteCache<T>;
  readonly #coming = new Map<string, Promise<T>>();

  constructor(byteLengthMax: number) {
    this.#kept = new ByteCache<T>(byteLengthMax);
  }

  async get(ref: ArtifactRef, fetch: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(ref.sha256);
    if (known !== undefined) return known;
    return this.#coming.get(ref.sha256) ?? this.#fetch(ref, fetch);
  }

  set(ref: ArtifactRef, value: T): void {
    this.#kept.set(ref.sha256, value, ref.byteLength);
  }

  #fetch(ref: ArtifactRef, fetch: () => Promise<T>): Promise<T> {
    const coming = fetch()
      .then((value) => {
        this.set(ref, value);
        return value;
      })
      .finally(() => this.#coming.delete(ref.sha256));
    this.#coming.set(ref.sha256, coming);
    return coming;
  }
}
