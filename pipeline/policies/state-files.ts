/** The files of a policy's folder: weights (`model*`), the optimizer's moments (`optimizer*`), and small ones that training never changes. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { type FolderManifest, putFolder, readFolderManifest } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';

const isTensorFile = (name: string): boolean => /\.safetensors(\.index\.json)?$/.test(name);
/** The engine's own: it says the dtype of the weights that it writes. */
const configFile = 'config.json';
/** Beside `optimizer-adapter_model.safetensors`, where adapters are trained. */
const adapterConfigFile = 'optimizer-adapter_config.json';
const isOptimizerFile = (name: string): boolean =>
  name === adapterConfigFile || (isTensorFile(name) && name.startsWith('optimizer'));

/** Config, tokenizer, templates. */
export function smallFiles({ files }: FolderManifest): FolderManifest['files'] {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !isTensorFile(name)));
}

export async function holdsOptimizer(folder: string): Promise<boolean> {
  return (await readdir(folder)).some(isOptimizerFile);
}

/** A checkpoint of the weights in `folder`, with their config, and of small files that are kept already. */
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

/** Adds the files of a stored folder to the existing ones. */
export async function addFiles(store: ArtifactStore, ref: ArtifactRef, folder: string): Promise<void> {
  const { files } = await readFolderManifest(store, ref);
  const fetches = Object.entries(files).map(([name, content]) =>
    store.getToFile(store.refOf(content), join(folder, name)),
  );
  await Promise.all(fetches);
}
