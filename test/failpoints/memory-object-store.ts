/** Objects in memory: a store that is copied in no time, so that each failpoint begins from the same state. */
import { Readable } from 'node:stream';
import {
  type ByteRange,
  checkKey,
  keyUnder,
  type ObjectEntry,
  type ObjectHead,
  type ObjectStore,
  type StreamBody,
  type TaggedBytes,
} from '../../artifacts/store/object-store.ts';
import { proven } from '../../artifacts/store/stream-digest.ts';
import { sha256 } from '../../core/json.ts';

interface Kept {
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
}

const baseUri = 'memory:///';

export class MemoryObjectStore implements ObjectStore {
  readonly name = 'memory';
  readonly #objects: Map<string, Kept>;

  constructor(objects: ReadonlyMap<string, Kept> = new Map()) {
    this.#objects = new Map(objects);
  }

  copy(): MemoryObjectStore {
    return new MemoryObjectStore(this.#objects);
  }

  /** The sha256 of each object, by key. */
  digests(): Record<string, string> {
    return Object.fromEntries(this.#keys().map((key) => [key, sha256(this.#objects.get(key)?.bytes ?? '')]));
  }

  /** As if everything in it had been written at the beginning of time. */
  makeOld(): void {
    for (const [key, kept] of this.#objects) this.#objects.set(key, { ...kept, modifiedAtMs: 0 });
  }

  uriOf(key: string): string {
    return `${baseUri}${checkKey(key)}`;
  }

  keyOf(uri: string): string {
    return keyUnder(baseUri, uri, this.name);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return later(() => this.#at(key)?.bytes);
  }

  open(key: string, { start, end }: Partial<ByteRange> = {}): Promise<Readable | undefined> {
    return later(() => {
      const bytes = this.#at(key)?.bytes.subarray(start, end);
      return bytes && Readable.from([Buffer.from(bytes)], { objectMode: false });
    });
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    return later(() => {
      this.#write(key, bytes);
    });
  }

  async putStream(key: string, body: StreamBody): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of proven(body.open(), body)) pieces.push(piece);
    this.#write(key, Buffer.concat(pieces));
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return later(() => (this.#at(key) ? 'exists' : this.#write(key, bytes)));
  }

  getTagged(key: string): Promise<TaggedBytes | undefined> {
    return later(() => {
      const kept = this.#at(key);
      return kept && { ...kept, tag: sha256(kept.bytes) };
    });
  }

  putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'> {
    return later(() => {
      const kept = this.#at(key);
      return kept && sha256(kept.bytes) === tag ? this.#write(key, bytes) : 'changed';
    });
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return later(() => headOf(this.#at(key)));
  }

  touch(key: string): Promise<boolean> {
    return later(() => {
      const kept = this.#at(key);
      if (kept === undefined) return false;
      this.#write(key, kept.bytes);
      return true;
    });
  }

  remove(keys: readonly string[]): Promise<void> {
    return later(() => {
      for (const key of keys) this.#objects.delete(checkKey(key));
    });
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectEntry> {
    for (const key of await later(() => this.#keys())) {
      const head = headOf(this.#at(key));
      if (head && key.startsWith(prefix) && key > after) yield { key, ...head };
    }
  }

  timeMs(): Promise<number> {
    return later(() => Date.now());
  }

  #keys(): string[] {
    return [...this.#objects.keys()].sort();
  }

  #at(key: string): Kept | undefined {
    return this.#objects.get(checkKey(key));
  }

  #write(key: string, bytes: Uint8Array): 'written' {
    this.#objects.set(checkKey(key), { bytes: bytes.slice(), modifiedAtMs: Date.now() });
    return 'written';
  }
}

function headOf(kept: Kept | undefined): ObjectHead | undefined {
  return kept && { byteLength: kept.bytes.byteLength, modifiedAtMs: kept.modifiedAtMs };
}

/** A request is answered later, at once with all that it changes, and its failures reject. */
async function later<T>(answer: () => T): Promise<T> {
  await Promise.resolve();
  return answer();
}
