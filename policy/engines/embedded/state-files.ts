/** Files of a state's folder: weights (`model*`, with their config.json) and training state (`optimizer*`). */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTensorFile } from '../../../artifacts/codecs/safetensors-folder.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import {
  type FolderManifest,
  materializeFolder,
  putFolder,
  readFolderManifest,
} from '../../../artifacts/store/files.ts';
import type { StoredState } from '../engine-service.ts';

/** Written by the engine, with the dtype of the weights that it writes. */
const configFile = 'config.json';
/** Accompanies `optimizer-adapter_model.safetensors` if adapters are trained. */
const adapterConfigFile = 'optimizer-adapter_config.json';
const isOptimizerFile = (name: string): boolean =>
  name === adapterConfigFile || (isTensorFile(name) && name.startsWith('optimizer'));

export async function holdsOptimizer(folder: string): Promise<boolean> {
  return (await readdir(folder)).some(isOptimizerFile);
}

/** Stores a checkpoint of the weights in `folder`, their config, and small files that are stored already. */
export async function putCheckpoint(
  store: ArtifactStore,
  small: FolderManifest['files'],
  folder: string,
): Promise<ArtifactRef> {
  const names = (await readdir(folder)).filter(
    (name) => name === configFile || (isTensorFile(name) && !isOptimizerFile(name)),
  );
  const weights = await readFolderManifest(store, await putFolder(store, folder, names));
  const manifest: FolderManifest = { schema: 1, files: { ...small, ...weights.files } };
  return store.putJson(manifest);
}

export async function putOptimizer(store: ArtifactStore, folder: string): Promise<ArtifactRef> {
  return putFolder(store, folder, (await readdir(folder)).filter(isOptimizerFile));
}

/** Downloads a state. `folder` must not exist, or be empty. */
export async function fetchState(
  store: ArtifactStore,
  { checkpoint, optimizer }: StoredState,
  folder: string,
): Promise<void> {
  await materializeFolder(store, checkpoint, folder);
  if (optimizer !== null) await addFiles(store, optimizer, folder);
}

/** Adds the files of a stored folder to an existing folder. */
async function addFiles(store: ArtifactStore, ref: ArtifactRef, folder: string): Promise<void> {
  const { files } = await readFolderManifest(store, ref);
  const fetches = Object.entries(files).map(([name, content]) =>
    store.getToFile(store.refOf(content), join(folder, name)),
  );
  await Promise.all(fetches);
}
