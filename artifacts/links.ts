/** References between objects: the edges followed by lineage, garbage collection and export. */
import { isRecord, parseJsonBytes } from './codecs/json-value.ts';
import { isDigested } from './store/stream-digest.ts';
import type { ObjectStore } from './store/object-store.ts';
import { keyOfRef } from './ref-key.ts';

/** A referenced object. */
export interface Target {
  readonly key: string;
  /** Set for a file of a folder, which has no references; only such files are referenced without a URI. */
  readonly isFile?: true;
  /** Undefined for a manifest reached as a producer, which is self-authenticating. */
  readonly expected?: { readonly sha256: string; readonly byteLength: number };
}

/** All refs in the value: objects with a sha256 and a byteLength; without `uri` they are blobs of this store. */
export function linksIn(objects: ObjectStore, value: unknown): Target[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => linksIn(objects, item));
  if (!isRecord(value)) return [];
  const { uri, sha256: _, byteLength: __, producer, ...rest } = value;
  const found: Target[] = [];
  if (typeof producer === 'string' && producer.startsWith('manifests/')) found.push({ key: producer });
  if (isDigested(value)) {
    const { sha256, byteLength } = value;
    const isFile = uri === undefined && { isFile: true as const };
    found.push({ key: keyOfRef(objects, uri, sha256), expected: { sha256, byteLength }, ...isFile });
  }
  return [...found, ...Object.values(rest).flatMap((member) => linksIn(objects, member))];
}

/** Part of every ref; a document without it has no references and need not be parsed. */
const refMark = Buffer.from('"sha256"');

/** All refs in a document's bytes; none if they are not JSON. */
export function linksInBytes(objects: ObjectStore, bytes: Uint8Array): Target[] {
  const isMarked = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(refMark);
  return isMarked ? linksIn(objects, parseJsonBytes(bytes)) : [];
}
