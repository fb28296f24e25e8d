/** The operations that the artifact store needs from S3; unit tests use a folder. */
import type { Readable } from 'node:stream';
import { MtrlError } from '../../core/errors.ts';

export interface ObjectHead {
  readonly byteLength: number;
  /** ETag, if known without reading the object; other bytes have another ETag. */
  readonly tag?: string;
  /** Time of the last write or touch, by the store's clock. */
  readonly modifiedAtMs: number;
}

export interface ObjectEntry extends ObjectHead {
  readonly key: string;
}

/** Bytes and their ETag; other bytes have another ETag. */
export interface TaggedBytes {
  readonly bytes: Uint8Array;
  readonly tag: string;
  /** Time of the last write or touch, by the store's clock. */
  readonly modifiedAtMs: number;
}

/** Bytes [start, end) of an object: at least one byte, and not beyond its end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A body that is not in memory. Its digest is known in advance, so that the store can reject bytes changed in transit.
 */
export interface StreamBody {
  readonly open: () => Readable;
  readonly byteLength: number;
  readonly sha256: string;
}

/**
 * Keys are `/`-separated segments of letters, digits and `._=-`. An object appears whole or not at all. Every method
 * may throw STORE_UNREACHABLE, STORE_FAILED, STORE_FULL or CLOCK_SKEWED (retryable), or STORE_REFUSED (credentials,
 * bucket).
 */
export interface ObjectStore {
  /** Endpoint and bucket, or the folder; for messages. */
  readonly name: string;
  /** Reads an object; undefined if it does not exist. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Like `get`, as a stream: for objects that should not be held in memory. */
  open(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** Writes or replaces. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  putStream(key: string, body: StreamBody): Promise<void>;
  /** Writes a new object. Of any number of concurrent writers, exactly one gets `written`, and its bytes stay. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'>;
  /** Reads an object that may change, with its tag for `putIfMatch`. */
  getTagged(key: string): Promise<TaggedBytes | undefined>;
  /**
   * Replaces the object if it still has the tag. Of any number of concurrent writers with the same tag, exactly one
   * gets `written`.
   */
  putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'>;
  head(key: string): Promise<ObjectHead | undefined>;
  /** Resets the object's age; false if it does not exist. */
  touch(key: string): Promise<boolean>;
  /** Deletes the objects; a missing object is not an error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Objects whose key starts with `prefix` and sorts after `after`, in key order. */
  list(prefix: string, after?: string): AsyncIterable<ObjectEntry>;
  /** The store's clock, Unix time in milliseconds; within about a second of `modifiedAtMs` of an object written now. */
  timeMs(): Promise<number>;
  uriOf(key: string): string;
  /** Throws ARTIFACT_MISSING for a URI of another store. */
  keyOf(uri: string): string;
}

const keyPattern = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.=-]+(?:\/[\w.=-]+)*$/;

/** Rejects keys that a file system and S3 would interpret differently (empty segments, `..`, blanks). */
export function checkKey(key: string): string {
  if (!keyPattern.test(key)) throw new MtrlError('INVARIANT', `not an object key: ${JSON.stringify(key)}`);
  return key;
}

/** The key of a URI, which must be `base` (ending in `/`) plus a key. Throws ARTIFACT_MISSING for any other URI. */
export function keyUnder(base: string, uri: string, store: string): string {
  const key = uri.startsWith(base) ? uri.slice(base.length) : '';
  if (keyPattern.test(key)) return key;
  throw new MtrlError('ARTIFACT_MISSING', 'the artifact is not in this store', {
    where: uri,
    found: `this store holds ${base}...`,
    hint: `configure the store that holds it, or pass an artifact of ${store}`,
  });
}
