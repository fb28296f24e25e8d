/** Finds the artifact at an address that results, errors and reports show. */
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { sha256 } from '../core/json.ts';

/** The digest of a blob is in its address; a manifest or an index is digested as it is. Throws ARTIFACT_MISSING. */
export async function artifactAt({ objects }: ArtifactStore, uri: string): Promise<ArtifactRef> {
  const key = objects.keyOf(uri);
  const digest = /^blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(key)?.[1];
  if (digest !== undefined) {
    const head = await objects.head(key);
    if (head !== undefined) return { uri, sha256: digest, byteLength: head.byteLength };
  }
  const bytes = digest === undefined ? await objects.get(key) : undefined;
  if (bytes !== undefined) return { uri, sha256: sha256(bytes), byteLength: bytes.byteLength };
  throw new MtrlError('ARTIFACT_MISSING', 'the artifact does not exist', { where: uri });
}
