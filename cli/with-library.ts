/** What the studio reads from, with a folder of its own for as long as it is used. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { type Library, openLibrary, type RunningExperiments } from '../studio/library.ts';

export async function withLibrary<T>(
  store: ArtifactStore,
  body: (library: Library) => Promise<T>,
  running?: RunningExperiments,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-studio-'));
  try {
    return await body(openLibrary(store, folder, running));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
