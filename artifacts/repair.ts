/**
 * Makes room for what is damaged to be made again: an activity looks for its result first, and makes it again if parts
 * of it are missing (manifest.ts). What is made again has the digests that it had.
 */
import { type Problem, walk } from './lineage.ts';
import type { ArtifactRef } from './ref.ts';
import type { ArtifactStore } from './store/artifact-store.ts';

/** Manifests of whole runs: with one, a run is found as it was made, and none of its steps looks for its own result. */
const wholeRuns = 'manifests/run/';

/**
 * Deletes the damaged objects, and the manifests of whole runs among what the roots lead to. Returns the keys of the
 * damaged ones.
 */
export async function removeDamaged(
  store: ArtifactStore,
  roots: readonly ArtifactRef[],
  problems: readonly Problem[],
): Promise<readonly string[]> {
  const { objects } = store;
  const damaged = problems.map(({ uri }) => objects.keyOf(uri));
  const shortcuts: string[] = [];
  for await (const { uri } of walk(store, roots)) {
    const key = objects.keyOf(uri);
    if (key.startsWith(wholeRuns)) shortcuts.push(key);
  }
  await objects.remove([...damaged, ...shortcuts]);
  return damaged;
}
