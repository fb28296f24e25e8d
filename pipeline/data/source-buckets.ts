/** Source files of recipes: local paths, `s3://bucket/key` through the worker's object store, `hf:` from the Hub. */
import type { ObjectHead, ObjectStore } from '../../artifacts/store/object-store.ts';
import { MtrlError } from '../../core/errors.ts';
import { isHubAddress } from '../../core/hub-address.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import type { SourceFile, SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import type { ControlDeps } from '../deps.ts';
import { HubFiles } from './hub-files.ts';

export type OpenBucket = (bucket: string) => ObjectStore;

interface Place {
  readonly objects: ObjectStore;
  readonly bucket: string;
  /** Without a trailing slash. */
  readonly key: string;
}

const scheme = 's3://';

class BucketFiles implements SourceFiles {
  readonly #openBucket: OpenBucket | undefined;
  readonly #buckets = new Map<string, ObjectStore>();

  constructor(openBucket: OpenBucket | undefined) {
    this.#openBucket = openBucket;
  }

  async kindOf(place: string): Promise<'file' | 'folder' | 'nothing'> {
    if ((await this.find(place)) !== undefined) return 'file';
    for await (const _ of this.list(place)) return 'folder';
    return 'nothing';
  }

  async find(place: string): Promise<SourceFile | undefined> {
    const { objects, key } = this.#place(place);
    const head = key === '' ? undefined : await objects.head(key);
    return head && fileOf(objects, place, key, head);
  }

  async *list(folder: string): AsyncGenerator<SourceFile> {
    const { objects, bucket, key: prefix } = this.#place(folder);
    for await (const entry of objects.list(prefix === '' ? '' : `${prefix}/`)) {
      const { key } = entry;
      if (!key.endsWith('/')) yield fileOf(objects, `${scheme}${bucket}/${key}`, key, entry);
    }
  }

  #place(place: string): Place {
    const [bucket = '', ...parts] = place.slice(scheme.length).split('/');
    const objects = this.#buckets.get(bucket) ?? this.#openBucket?.(bucket);
    if (objects === undefined) {
      throw new MtrlError('FILE_MISSING', 'this worker has no object store to read sources from', { where: place });
    }
    this.#buckets.set(bucket, objects);
    return { objects, bucket, key: parts.filter((part) => part !== '').join('/') };
  }
}

function fileOf(objects: ObjectStore, name: string, key: string, { byteLength, tag }: ObjectHead): SourceFile {
  return {
    name,
    byteLength,
    ...(tag !== undefined && { version: tag }),
    async *open(start = 0, end = byteLength) {
      if (start >= end) return;
      const body = await objects.open(key, { start, end });
      if (body === undefined) throw new MtrlError('FILE_MISSING', 'the object no longer exists', { where: name });
      yield* body as AsyncIterable<Uint8Array>;
    },
  };
}

/** Dispatches by name: `s3://` names to buckets, `hf:` names to the Hub, all others to local files. */
export function sourceFiles({ openBucket, hub }: Pick<ControlDeps, 'openBucket' | 'hub'>): SourceFiles {
  const buckets = new BucketFiles(openBucket);
  const hubFiles = new HubFiles(hub);
  const filesOf = (place: string): SourceFiles =>
    place.startsWith(scheme) ? buckets : isHubAddress(place) ? hubFiles : localFiles;
  return {
    kindOf: (place) => filesOf(place).kindOf(place),
    find: (place) => filesOf(place).find(place),
    list: (folder) => filesOf(folder).list(folder),
  };
}
