/**
 * A folder as one artifact, such as a checkpoint in Hugging Face layout. Its manifest holds only names, digests and
 * lengths, so its sha256 identifies the content: the same files have the same digest in every bucket.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { ArtifactStore } from './artifact-store.ts';
import pMap from 'p-map';
import { isRecord } from '../codecs/json-value.ts';
import type { Format } from '../format.ts';
import type { ArtifactRef } from '../ref.ts';
import type { Digested } from './stream-digest.ts';
import { wholeFolder } from './whole-folder.ts';

export interface FolderManifest {
  readonly schema: 1;
  /** `/`-separated path inside the folder -> content. */
  readonly files: Readonly<Record<string, Digested>>;
}

const transferCountMax = 4;

/** Stores the named files of a folder, or all of them (with subfolders). Throws FILE_MISSING. */
export async function putFolder(
  store: ArtifactStore,
  folder: string,
  fileNames?: readonly string[],
): Promise<ArtifactRef> {
  const names = [...(fileNames ?? (await filesIn(folder)))].sort();
  if (names.length === 0) throw new MtrlError('FILE_MISSING', 'the folder is empty', { where: folder });
  const contents = await pMap(
    names,
    async (name) => {
      const { sha256, byteLength } = await store.putFile(join(folder, checkName(name, folder)));
      return [name, { sha256, byteLength }] as const;
    },
    { concurrency: transferCountMax },
  );
  const manifest: FolderManifest = { schema: 1, files: Object.fromEntries(contents) };
  return store.putJson(manifest);
}

const folderFormat: Format<FolderManifest> = { what: 'the manifest of a folder', schema: 1 };

/** Throws ARTIFACT_CORRUPT if the artifact is not a folder manifest, FORMAT_UNSUPPORTED. */
export async function readFolderManifest(store: ArtifactStore, ref: ArtifactRef): Promise<FolderManifest> {
  const value = await store.getDocument(ref, folderFormat);
  const files: unknown = value.files;
  if (isRecord(files) && Object.values(files).every(isDigested)) return value;
  throw new MtrlError('ARTIFACT_CORRUPT', 'the artifact is not the manifest of a folder', { where: ref.uri });
}

/**
 * Recreates the folder. `destination` must not exist or must be empty; it appears with all its files or not at all.
 * Throws USAGE if it is not empty, ARTIFACT_MISSING, ARTIFACT_CORRUPT.
 */
export async function materializeFolder(store: ArtifactStore, ref: ArtifactRef, destination: string): Promise<void> {
  const { files } = await readFolderManifest(store, ref);
  await wholeFolder(destination, async (folder) => {
    await pMap(
      Object.entries(files),
      ([name, content]) => store.getToFile(store.refOf(content), join(folder, checkName(name, ref.uri))),
      { concurrency: transferCountMax },
    );
  });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new MtrlError('FILE_MISSING', 'the folder does not exist', { where: folder, cause });
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length));
}

/** Whether a `/`-separated name stays below the folder that it is joined to. */
export function isNameInFolder(name: string): boolean {
  const segments = name.split('/');
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') && !/[\\\0]/.test(name);
}

/** Rejects names with which a manifest could write outside its folder. */
function checkName(name: string, where: string): string {
  if (isNameInFolder(name)) return name;
  throw new MtrlError('ARTIFACT_CORRUPT', `${JSON.stringify(name)} is not a file name inside a folder`, { where });
}

function isDigested(value: unknown): value is Digested {
  return isRecord(value) && typeof value['sha256'] === 'string' && typeof value['byteLength'] === 'number';
}
