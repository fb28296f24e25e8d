/** Verification: every artifact is read completely and compared with its digest. */
import type { ArtifactStore } from './store/artifact-store.ts';
import { walk, type Problem } from './lineage.ts';
import type { ArtifactRef } from './ref.ts';

export interface VerifyProgress {
  readonly artifactCount: number;
  readonly byteLength: number;
  readonly problemCount: number;
}

export interface Verification extends VerifyProgress {
  /** Sorted by URI. */
  readonly problems: readonly Problem[];
}

/**
 * Reads every artifact reachable from the roots, from the store itself. Problems are returned; only an unreachable
 * store throws.
 */
export async function verifyArtifacts(
  store: ArtifactStore,
  roots: readonly ArtifactRef[],
  onProgress?: (progress: VerifyProgress) => void,
): Promise<Verification> {
  const problems: Problem[] = [];
  let artifactCount = 0;
  let byteLength = 0;
  for await (const visited of walk(store, roots, { prove: true })) {
    artifactCount++;
    byteLength += visited.byteLength;
    if (visited.problem !== undefined) problems.push(visited.problem);
    onProgress?.({ artifactCount, byteLength, problemCount: problems.length });
  }
  problems.sort((a, b) => (a.uri < b.uri ? -1 : 1));
  return { artifactCount, byteLength, problemCount: problems.length, problems };
}
