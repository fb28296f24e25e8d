/**
 * What some roots refer to: the marking half of a garbage collection. It reads documents, never weights or images: a
 * file of a folder is known by its entry to name nothing, and of anything long only the first byte is looked at.
 */
import type { ArtifactStore } from './artifact-store.ts';
import { parseJsonBytes } from './json-value.ts';
import { jsonByteLengthMax, linksIn, type Target } from './lineage.ts';

/** Small ones are read at once; of longer ones it is asked first whether they are documents. */
const readAtOnceByteLength = 1 << 20;
const readCountMax = 32;
/** Every ref has one; a document without it names nothing and need not be parsed. */
const refMark = Buffer.from('"sha256"');

/** Keys that were reached; about 150 bytes of memory each. */
export class Reachable {
  readonly #store: ArtifactStore;
  readonly #keys = new Set<string>();
  #waiting: Target[] = [];

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Adds what the documents refer to, and all that follows from it. What is not there is no failure: `verify` says so. */
  async addLinksOf(...documents: readonly unknown[]): Promise<void> {
    for (const document of documents) this.#add(linksIn(this.#store, document));
    await this.#drain();
  }

  async addObjects(keys: readonly string[]): Promise<void> {
    this.#add(keys.map((key) => ({ key })));
    await this.#drain();
  }

  async #drain(): Promise<void> {
    const work = async (): Promise<void> => {
      for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) this.#add(await this.#linksAt(next));
    };
    // A worker that finds nothing to do ends, though another may still find more: so it goes on in rounds.
    while (this.#waiting.length > 0) await Promise.all(Array.from({ length: readCountMax }, work));
  }

  #add(targets: readonly Target[]): void {
    for (const target of targets) {
      if (this.#keys.has(target.key)) continue;
      this.#keys.add(target.key);
      if (target.isFile !== true) this.#waiting.push(target);
    }
  }

  async #linksAt({ key, expected }: Target): Promise<readonly Target[]> {
    const { objects } = this.#store;
    const byteLength = expected?.byteLength ?? 0;
    if (byteLength > jsonByteLengthMax) return [];
    if (byteLength > readAtOnceByteLength && !(await this.#isDocument(key))) return [];
    const bytes = await objects.get(key);
    if (bytes === undefined || !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(refMark))
      return [];
    return linksIn(this.#store, parseJsonBytes(bytes));
  }

  async #isDocument(key: string): Promise<boolean> {
    const stream = await this.#store.objects.open(key, { start: 0, end: 1 });
    if (stream === undefined) return false;
    for await (const piece of stream) return isOpening((piece as Uint8Array)[0]);
    return false;
  }
}

function isOpening(byte: number | undefined): boolean {
  return byte === 0x7b || byte === 0x5b; // { [
}
