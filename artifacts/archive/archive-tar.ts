/** An exported experiment as one tar, without times or owners. */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { MtrlError } from '../../core/errors.ts';
import { errnoOf } from '../store/errno.ts';
import { invalid, type ArchiveEntry } from './archive.ts';

/** Writes the entries to a tar, which appears whole or not at all. Throws USAGE if the file exists. */
export async function writeTar(path: string, entries: AsyncIterable<ArchiveEntry>): Promise<void> {
  if (existsSync(path)) throw exists(path);
  const partial = `${path}.partial-${randomUUID()}`;
  const archive = pack();
  const fill = async (): Promise<void> => {
    for await (const { name, byteLength, open } of entries) {
      const sink = archive.entry({ name, size: byteLength, mtime: new Date(0) });
      await pipeline(Readable.from(await open(), { objectMode: false }), sink);
    }
    archive.finalize();
  };
  const filled = fill().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  try {
    await Promise.all([filled, pipeline(archive, createWriteStream(partial, { flags: 'wx' }))]);
    await publish(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Gives the file its name unless another file has it. */
async function publish(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw exists(path);
    // A file system without second names.
    await rename(partial, path);
  }
}

function exists(path: string): MtrlError {
  return new MtrlError('USAGE', 'the file already exists', { where: path, hint: 'name a file that does not exist' });
}

/** Reads the entries in order; each must be read before the next is requested. Throws FILE_MISSING, ARCHIVE_INVALID. */
export async function* readTar(path: string): AsyncGenerator<ArchiveEntry> {
  const archive = extract();
  const source = createReadStream(path);
  source.on('error', (error) => archive.destroy(error));
  source.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, size, type } = entry.header;
      if (type !== 'file') throw invalid(`${path}: ${name}`, `an entry of type ${type}`);
      yield { name, byteLength: size, open: () => Promise.resolve(explained(entry, path)) };
    }
  } catch (error) {
    if (error instanceof MtrlError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new MtrlError('FILE_MISSING', 'the file does not exist', { where: path, cause: error });
    throw invalid(path, error instanceof Error ? error.message : String(error), error);
  } finally {
    source.destroy();
  }
}

/** Passes an entry's bytes through; throws ARCHIVE_INVALID if the tar ends in the middle of it. */
async function* explained(entry: AsyncIterable<unknown>, path: string): AsyncGenerator {
  try {
    yield* entry;
  } catch (error) {
    throw error instanceof MtrlError
      ? error
      : invalid(path, error instanceof Error ? error.message : String(error), error);
  }
}
