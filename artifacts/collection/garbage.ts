/**
 * Garbage collection: deletes unreferenced objects. Roots are all objects outside `blobs/` and `manifests/`
 * (experiments, promoted names, imports in progress), the references of running workflows, and everything young or
 * under a lease (lease.ts).
 *
 * A run that continues meanwhile is safe: whatever it writes or reuses becomes young (manifest.ts, artifact-store.ts),
 * young objects are kept with all their references, and ages are checked just before deletion. Manifests are deleted
 * first, so that nobody can find work whose results are being deleted. A second mark phase then covers everything found
 * or made meanwhile, and only after it are blobs deleted.
 */
import { MtrlError } from '../../core/errors.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import pMap from 'p-map';
import { batchesOf } from '../store/bounded.ts';
import { isRecord, parseJsonBytes } from '../codecs/json-value.ts';
import { leasedSinceMs } from './lease.ts';
import type { ObjectEntry } from '../store/object-store.ts';
import { Reachable } from './reachable.ts';
import { blobKeyOf } from '../ref-key.ts';
import { secondRead } from '../store/second-read.ts';
import { describeBytes } from '../store/stream-digest.ts';

const blobsPrefix = 'blobs/';
const manifestsPrefix = 'manifests/';
const readCountMax = 32;
/** Limits the number of objects between the check of an age and the deletion. */
const removedAtOnceCount = 100;

export interface GarbageOptions {
  /** Only reports what would be deleted. */
  readonly dryRun: boolean;
  /** Experiments to delete: their documents are not roots. */
  readonly forgotten: ReadonlySet<string>;
  /** Documents with the references of running and recent workflows. Queried again before blobs are deleted. */
  readonly runningRoots: () => AsyncIterable<unknown>;
  /**
   * Objects written or touched since then are young. Queried for each batch, because it moves back when an activity
   * starts.
   */
  readonly youngSinceMs: () => Promise<number>;
  readonly onProgress?: (progress: { readonly phase: string; readonly objectCount: number }) => void;
}

export interface GarbageKind {
  /**
   * `rollout`, `snapshot`, ...: the activity that made the objects. `files`: files of folders, and blobs without a
   * manifest. `manifests`: manifests.
   */
  readonly kind: string;
  readonly count: number;
  readonly byteLength: number;
}

interface Sizes {
  readonly objectCount: number;
  readonly byteLength: number;
}

export interface Garbage extends Sizes {
  readonly kept: Sizes;
  readonly garbage: Sizes;
  readonly kinds: readonly GarbageKind[];
}

export async function collectGarbage(store: ArtifactStore, options: GarbageOptions): Promise<Garbage> {
  const collection = new Collection(store, options);
  await collection.sweepManifests(await collection.mark());
  if (!options.dryRun) await collection.mark();
  await collection.sweepBlobs();
  return collection.result();
}

/** The manifests at the time of listing. */
interface Manifests extends Sizes {
  /** Old and unmarked when listed: a young manifest listed later may have marked them since. */
  readonly unmarked: readonly ObjectEntry[];
}

class Collection {
  readonly #store: ArtifactStore;
  readonly #options: GarbageOptions;
  readonly #reachable: Reachable;
  readonly #listed = { objectCount: 0, byteLength: 0 };
  readonly #kinds = new Map<string, { count: number; byteLength: number }>();
  /** Blob key -> the activity whose deleted manifest lists it as an output. */
  readonly #activityOf = new Map<string, string>();

  constructor(store: ArtifactStore, options: GarbageOptions) {
    this.#store = store;
    this.#options = options;
    this.#reachable = new Reachable(store);
  }

  /** Marks everything reachable; returns the manifests found. */
  async mark(): Promise<Manifests> {
    const { runningRoots } = this.#options;
    const youngSince = await this.#youngSinceMs();
    // Before the documents, so that an experiment that ends meanwhile is found in one of the two.
    for await (const document of runningRoots()) {
      await this.#reachable.addLinksOf(document);
      this.#tell('marking');
    }
    for await (const keys of batchesOf(this.#rootKeys(), readCountMax)) {
      await this.#reachable.addLinksOf(
        ...(await pMap(keys, (key) => this.#rootDocument(key), { concurrency: readCountMax })),
      );
      this.#tell('marking');
    }
    const sizes = { objectCount: 0, byteLength: 0 };
    const unmarked: ObjectEntry[] = [];
    for await (const manifests of batchesOf(this.#store.objects.list(manifestsPrefix))) {
      const young = manifests.filter(({ modifiedAtMs }) => modifiedAtMs >= youngSince);
      await this.#reachable.addObjects(young.map(({ key }) => key));
      unmarked.push(...manifests.filter(({ key }) => !this.#reachable.has(key)));
      for (const entry of manifests) add(sizes, entry);
      this.#tell('marking');
    }
    return { ...sizes, unmarked };
  }

  /** Deletes manifests that are neither marked nor young. */
  async sweepManifests({ objectCount, byteLength, unmarked }: Manifests): Promise<void> {
    this.#listed.objectCount += objectCount;
    this.#listed.byteLength += byteLength;
    for await (const entries of batchesOf(unmarked.filter(({ key }) => !this.#reachable.has(key))))
      await this.#remove(entries);
  }

  async sweepBlobs(): Promise<void> {
    for await (const entries of batchesOf(this.#store.objects.list(blobsPrefix))) {
      for (const entry of entries) add(this.#listed, entry);
      await this.#remove(entries.filter(({ key }) => !this.#reachable.has(key)));
    }
  }

  result(): Garbage {
    const kinds = [...this.#kinds]
      .map(([kind, sizes]) => ({ kind, ...sizes }))
      .sort((a, b) => b.byteLength - a.byteLength || (a.kind < b.kind ? -1 : 1));
    const garbage = {
      objectCount: kinds.reduce((sum, { count }) => sum + count, 0),
      byteLength: kinds.reduce((sum, { byteLength }) => sum + byteLength, 0),
    };
    const { objectCount, byteLength } = this.#listed;
    return {
      ...{ objectCount, byteLength },
      kept: { objectCount: objectCount - garbage.objectCount, byteLength: byteLength - garbage.byteLength },
      ...{ garbage, kinds },
    };
  }

  /** Keys of all objects outside `blobs/` and `manifests/`, without listing those two. */
  async *#rootKeys(): AsyncGenerator<string> {
    const { objects } = this.#store;
    let after = '';
    for (const prefix of [blobsPrefix, manifestsPrefix, undefined]) {
      for await (const { key } of objects.list('', after)) {
        if (prefix !== undefined && key >= prefix) break;
        if (!this.#options.forgotten.has(key)) yield key;
      }
      // Sorts after every character that a key may contain.
      after = `${prefix ?? ''}~`;
    }
  }

  /** Throws ARTIFACT_CORRUPT for an unreadable root, because it could refer to anything. */
  async #rootDocument(key: string): Promise<unknown> {
    const where = this.#store.objects.uriOf(key);
    return secondRead(where, async () => {
      const bytes = await this.#store.objects.get(key);
      if (bytes === undefined) return undefined;
      const value = parseJsonBytes(bytes);
      if (value !== undefined) return value;
      throw new MtrlError('ARTIFACT_CORRUPT', 'the document is not JSON, so the artifacts it keeps are unknown', {
        where,
        found: describeBytes(bytes),
        hint: 'restore it from a copy, or delete it, and run the collection again',
      });
    });
  }

  async #remove(entries: readonly ObjectEntry[]): Promise<void> {
    const old = await this.#withoutYoung(entries);
    await this.#learnOutputs(old);
    for (let i = 0; i < old.length; i += removedAtOnceCount) {
      const group = old.slice(i, i + removedAtOnceCount);
      const removed = this.#options.dryRun ? group : await this.#removeStillOld(group);
      for (const { key, byteLength } of removed) this.#count(this.#kindOf(key), byteLength);
    }
    this.#tell('removing');
  }

  /**
   * Deletes the objects that are still old: the listing does not show later uses. S3 has no atomic check-and-delete.
   */
  async #removeStillOld(group: readonly ObjectEntry[]): Promise<readonly ObjectEntry[]> {
    const { objects } = this.#store;
    const youngSince = await this.#youngSinceMs();
    // Checked last, because a use since the listing touches the object.
    const heads = await Promise.all(group.map(async (entry) => ({ ...entry, ...(await objects.head(entry.key)) })));
    const old = heads.filter(({ modifiedAtMs }) => modifiedAtMs < youngSince);
    await objects.remove(old.map(({ key }) => key));
    return old;
  }

  async #withoutYoung(entries: readonly ObjectEntry[]): Promise<readonly ObjectEntry[]> {
    if (entries.length === 0) return [];
    const youngSince = await this.#youngSinceMs();
    return entries.filter(({ modifiedAtMs }) => modifiedAtMs < youngSince);
  }

  /** Start of the young period, leases included; queried each time, because an activity may have started since. */
  async #youngSinceMs(): Promise<number> {
    const { youngSinceMs, dryRun } = this.#options;
    const leased = await leasedSinceMs(this.#store.objects, { removeDead: !dryRun });
    return Math.min(leased, await youngSinceMs());
  }

  /** Records which activity made each blob, for the report by kind. */
  async #learnOutputs(entries: readonly ObjectEntry[]): Promise<void> {
    const manifests = entries.filter(({ key }) => key.startsWith(manifestsPrefix));
    const read = async ({ key }: ObjectEntry): Promise<void> => {
      const bytes = await this.#store.objects.get(key);
      const manifest = bytes && parseJsonBytes(bytes);
      const outputs = isRecord(manifest) && isRecord(manifest['outputs']) ? Object.values(manifest['outputs']) : [];
      for (const output of outputs) {
        if (isRecord(output) && typeof output['sha256'] === 'string')
          this.#activityOf.set(blobKeyOf(output['sha256']), key.split('/')[1] ?? '');
      }
    };
    await pMap(manifests, read, { concurrency: readCountMax });
  }

  #kindOf(key: string): string {
    return key.startsWith(manifestsPrefix) ? 'manifests' : (this.#activityOf.get(key) ?? 'files');
  }

  #count(kind: string, byteLength: number): void {
    const sizes = this.#kinds.get(kind) ?? { count: 0, byteLength: 0 };
    this.#kinds.set(kind, { count: sizes.count + 1, byteLength: sizes.byteLength + byteLength });
  }

  #tell(phase: string): void {
    this.#options.onProgress?.({ phase, objectCount: this.#reachable.size });
  }
}

function add(sizes: { objectCount: number; byteLength: number }, { byteLength }: ObjectEntry): void {
  sizes.objectCount++;
  sizes.byteLength += byteLength;
}
