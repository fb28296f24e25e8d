/** The operations that the artifact store needs from S3; unit tests use a folder. */
import type { Readable } from 'node:stream';
import { MtrlError } from '../../core/errors.ts';

export interface ObjectHead {
  readonly byteLength: number;
  /** ETag, if known without reading: other bytes have another. */
  readonly tag?: string;
  /** When it was written or touched, by the store's clock. */
  readonly modifiedAtMs: number;
}

export interface ObjectEntry extends ObjectHead {
  readonly key: string;
}

/** Bytes and their ETag: other bytes have another. */
export interface TaggedBytes {
  readonly bytes: Uint8Array;
  readonly tag: string;
  /** When it was written or touched, by the store's clock. */
  readonly modifiedAtMs: number;
}

/** The bytes [start, end) of an object that has them; at least one. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A body that is not in memory: its digest is known beforehand, so that the store can reject bytes changed in transit. */
export interface StreamBody {
  readonly open: () => Readable;
  readonly byteLength: number;
  readonly sha256: string;
}

/**
 * Keys are `/`-separated segments of letters, digits and `._=-`. An object appears whole or not at all.
 * Every method may throw STORE_UNREACHABLE (retryable), STORE_FULL and CLOCK_SKEWED (likewise), or STORE_REFUSED
 * (credentials, bucket).
 */
export interface ObjectStore {
  /** For messages: the endpoint and bucket, or the folder. */
  readonly name: string;
  /** undefined when there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** The same as a stream: for objects that should not be held in memory. */
  open(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** Writes or replaces. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  putStream(key: string, body: StreamBody): Promise<void>;
  /** Of any number of concurrent writers exactly one gets `written`; its bytes stay. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'>;
  /** For an object that changes: the tag for a `putIfMatch`. */
  getTagged(key: string): Promise<TaggedBytes | undefined>;
  /** Of any number of concurrent writers with the same tag exactly one gets `written`; the object must still have that tag. */
  putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'>;
  head(key: string): Promise<ObjectHead | undefined>;
  /** Resets the object's age; false if it does not exist. */
  touch(key: string): Promise<boolean>;
  /** A missing object is not an error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Objects whose key starts with `prefix` and sorts after `after`, in key order. */
  list(prefix: string, after?: string): AsyncIterable<ObjectEntry>;
  /** The store's clock, in milliseconds since 1970; within about a second of `modifiedAtMs` of an object written now. */
  timeMs(): Promise<number>;
  uriOf(key: string): string;
  /** Throws ARTIFACT_MISSING for a URI of another store. */
  keyOf(uri: string): string;
}

const keyPattern = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.=-]+(?:\/[\w.=-]+)*$/;

/** Rejects keys that a file system and S3 would not read the same way (empty segments, `..`, blanks). */
export function checkKey(key: string): string {
  if (!keyPattern.test(key)) throw new MtrlError('INVARIANT', `not an object key: ${JSON.stringify(key)}`);
  return key;
}

/** The key behind a URI that `base` (ending in `/`) plus a key made. */
export function keyUnder(base: string, uri: string, store: string): string {
  const key = uri.startsWith(base) ? uri.slice(base.length) : '';
  if (keyPattern.test(key)) return key;
  throw new MtrlError('ARTIFACT_MISSING', 'the artifact is not in this store', {
    where: uri,
    found: `this store holds ${base}...`,
    hint: `configure the store that holds it, or pass an artifact of ${store}`,
  });
}
