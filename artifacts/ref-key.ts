/** Key of a ref's object in a store. */
import { MtrlError } from '../core/errors.ts';
import type { ObjectStore } from './store/object-store.ts';

export function blobKeyOf(digest: string): string {
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}

const manifestPlace = /\/(manifests\/[a-zA-Z0-9-]+\/[0-9a-f]{64}\.json)$/;

/** Whether the ref is a manifest: it belongs to another activity, whose outputs are checked when it is found. */
export function isManifestUri(uri: unknown): boolean {
  return typeof uri === 'string' && manifestPlace.test(uri);
}

/** Key in this store of a ref that any store may have written: blobs are found by digest, manifests by their key. */
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
