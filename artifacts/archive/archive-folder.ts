/** An exported experiment as a folder of files, each named by its key. */
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MtrlError } from '../../core/errors.ts';
import { type ArchiveEntry, artifactsOf, headerName, inMemory, invalid, readHeader } from './archive.ts';
import { ArtifactStore } from '../store/artifact-store.ts';
import { experimentKey } from '../experiments.ts';
import { FolderObjectStore } from '../store/folder-object-store.ts';
import { checkKey } from '../store/object-store.ts';
import { wholeFolder } from '../store/whole-folder.ts';

/** Writes the entries to a folder, which appears whole or not at all. Throws USAGE if it exists and is not empty. */
export async function writeArchiveFolder(folder: string, entries: AsyncIterable<ArchiveEntry>): Promise<void> {
  await wholeFolder(folder, async (partial) => {
    for await (const { name, open } of entries) {
      const path = join(partial, checkKey(name));
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await open(), createWriteStream(path, { flags: 'wx' }));
    }
  });
}

/**
 * Reads the header, the document and everything reachable from it; other files in the folder are ignored. Throws
 * FILE_MISSING, ARCHIVE_INVALID.
 */
export async function* readArchiveFolder(folder: string): AsyncGenerator<ArchiveEntry> {
  const headerBytes = await readFile(join(folder, headerName)).catch((cause: unknown) => {
    throw new MtrlError('FILE_MISSING', 'no experiment was exported to this folder', {
      ...{ where: join(folder, headerName), cause },
    });
  });
  yield inMemory(headerName, headerBytes);
  const key = experimentKey(readHeader(headerBytes, folder).experimentId);
  const store = new ArtifactStore(new FolderObjectStore(folder), { cacheByteLengthMax: 0 });
  const document = await store.objects.get(key);
  if (document === undefined) throw invalid(`${folder}: ${key}`, 'nothing there');
  yield inMemory(key, document);
  try {
    yield* artifactsOf(store, document);
  } catch (error) {
    if (!(error instanceof MtrlError) || !['ARTIFACT_MISSING', 'ARTIFACT_CORRUPT'].includes(error.code)) throw error;
    throw invalid(error.details.where ?? folder, error.details.found ?? error.message, error);
  }
}
