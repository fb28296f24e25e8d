/** A folder store that records what was read from it. */
import type { Readable } from 'node:stream';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ByteRange } from '../../artifacts/store/object-store.ts';

export class CountingStore extends FolderObjectStore {
  /** How often each object was read, by key. */
  readonly reads = new Map<string, number>();
  byteLength = 0;

  override async get(key: string): Promise<Uint8Array | undefined> {
    const bytes = await super.get(key);
    this.#count(key, bytes?.byteLength ?? 0);
    return bytes;
  }

  override async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const byteLength = range ? range.end - range.start : ((await this.head(key))?.byteLength ?? 0);
    this.#count(key, byteLength);
    return super.open(key, range);
  }

  #count(key: string, byteLength: number): void {
    this.reads.set(key, (this.reads.get(key) ?? 0) + 1);
    this.byteLength += byteLength;
  }
}
