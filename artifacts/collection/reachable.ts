/**
 * The mark phase of a garbage collection. Manifests are read first, because they list the outputs that need not be
 * read. Of the rest, only documents are read, never weights or images: files of a folder have no references (known from
 * their entry), and the first byte of a long object shows whether it is a document.
 */
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { drainBounded } from '../store/bounded.ts';
import { isRecord, parseJsonBytes } from '../codecs/json-value.ts';
import { inFormat } from '../format.ts';
import { jsonByteLengthMax } from '../lineage.ts';
import { linksIn, linksInBytes, type Target } from '../links.ts';
import { manifestFormat } from '../manifest.ts';
import { secondRead } from '../store/second-read.ts';
import { corrupt, describeBytes, sameBytes } from '../store/stream-digest.ts';

/** Smaller objects are read completely; the first byte of a larger one decides whether it is a document. */
const readAtOnceByteLength = 1 << 20;
const readCountMax = 32;

/** The set of reached keys; about 150 bytes of memory each. */
export class Reachable {
  readonly #store: ArtifactStore;
  readonly #keys = new Set<string>();
  /** Objects still to be read: keys of manifests, and other targets by key. */
  readonly #manifests: string[] = [];
  readonly #others = new Map<string, Target>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /**
   * Adds everything reachable from the documents. A missing object is not an error: `verify` reports it. Throws
   * ARTIFACT_CORRUPT for a manifest that cannot be read, FORMAT_UNSUPPORTED for one of another schema.
   */
  async addLinksOf(...documents: readonly unknown[]): Promise<void> {
    for (const document of documents) this.#add(linksIn(this.#store.objects, document));
    await this.#follow();
  }

  async addObjects(keys: readonly string[]): Promise<void> {
    this.#add(keys.map((key) => ({ key })));
    await this.#follow();
  }

  #add(targets: readonly Target[]): void {
    for (const target of targets) {
      if (this.#keys.has(target.key)) continue;
      this.#keys.add(target.key);
      if (target.key.startsWith('manifests/')) this.#manifests.push(target.key);
      else if (target.isFile !== true) this.#others.set(target.key, target);
    }
  }

  async #follow(): Promise<void> {
    while (this.#manifests.length + this.#others.size > 0) {
      await drainBounded(
        readCountMax,
        () => this.#manifests.pop(),
        (key) => this.#followManifest(key),
      );
      const others = [...this.#others.values()];
      this.#others.clear();
      await drainBounded(
        readCountMax,
        () => others.pop(),
        async (target) => this.#add(await this.#linksAt(target)),
      );
    }
  }

  async #followManifest(key: string): Promise<void> {
    const { objects } = this.#store;
    const manifest = await secondRead(objects.uriOf(key), async () => {
      const bytes = await objects.get(key);
      if (bytes === undefined) return undefined;
      const value = parseJsonBytes(bytes);
      // Of another schema, it may keep what this version does not see.
      if (isRecord(value)) {
        inFormat(manifestFormat, value, objects.uriOf(key));
        return value;
      }
      throw new MtrlError('ARTIFACT_CORRUPT', 'the manifest is not JSON, so its references are unknown', {
        where: objects.uriOf(key),
        found: describeBytes(bytes),
        hint: 'restore it from a copy, or delete it, and run the collection again',
      });
    });
    if (manifest === undefined) return;
    this.#add(linksIn(objects, manifest));
    for (const closed of closedOutputs(manifest))
      for (const { key } of linksIn(objects, closed)) this.#others.delete(key);
  }

  async #linksAt({ key, expected }: Target): Promise<readonly Target[]> {
    const { objects } = this.#store;
    const byteLength = expected?.byteLength ?? 0;
    if (byteLength > jsonByteLengthMax) return [];
    if (byteLength > readAtOnceByteLength && !(await this.#isDocument(key))) return [];
    const bytes = await this.#read(key, expected);
    return bytes === undefined ? [] : linksInBytes(objects, bytes);
  }

  /**
   * Reads an object, twice on a mismatch, because a document truncated in transit would seem to have fewer references.
   * A damaged document is used as it is.
   */
  async #read(key: string, expected: Target['expected']): Promise<Uint8Array | undefined> {
    const { objects } = this.#store;
    const where = objects.uriOf(key);
    let bytes: Uint8Array | undefined;
    try {
      await secondRead(where, async () => {
        bytes = await objects.get(key);
        if (bytes === undefined || expected === undefined) return;
        const found = { sha256: sha256(bytes), byteLength: bytes.byteLength };
        if (!sameBytes(expected, found)) throw corrupt(where, expected, found);
      });
    } catch (error) {
      if (!(error instanceof MtrlError) || error.code !== 'ARTIFACT_CORRUPT') throw error;
    }
    return bytes;
  }

  async #isDocument(key: string): Promise<boolean> {
    const stream = await this.#store.objects.open(key, { start: 0, end: 1 });
    if (stream === undefined) return false;
    for await (const piece of stream) return isOpening((piece as Uint8Array)[0]);
    return false;
  }
}

function closedOutputs({ outputs, closed }: Readonly<Record<string, unknown>>): readonly unknown[] {
  if (!isRecord(outputs) || !Array.isArray(closed)) return [];
  return closed.flatMap((name: unknown) =>
    typeof name === 'string' && Object.hasOwn(outputs, name) ? [outputs[name]] : [],
  );
}

function isOpening(byte: number | undefined): boolean {
  return byte === 0x7b || byte === 0x5b; // { [
}
