/** Key of a ref's object in a store. */
import { MtrlError } from '../core/errors.ts';
import type { ObjectStore } from './store/object-store.ts';

export function blobKeyOf(digest: string): string {
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}

const manifestPlace = /\/(manifests\/[a-zA-Z0-9-]+\/[0-9a-f]{64}\.json)$/;

/** A ref written by another store denotes the same bytes here: blobs are found by digest, manifests by key. */
export function keyOfRef(objects: ObjectStore, uri: unknown, sha256: string): string {
  if (typeof uri !== 'string') return blobKeyOf(sha256);
  try {
    return objects.keyOf(uri);
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'ARTIFACT_MISSING')
      return manifestPlace.exec(uri)?.[1] ?? blobKeyOf(sha256);
    throw error;
  }
}
