import { readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';

/** The snapshot of a checkpoint, from the manifest of the activity that made both. An active run names no snapshot. */
export async function snapshotOfCheckpoint(
  store: ArtifactStore,
  { producer }: ArtifactRef,
): Promise<ArtifactRef | undefined> {
  if (producer === undefined) return undefined;
  return (await readManifest(store, producer))?.manifest.outputs['snapshot'];
}
