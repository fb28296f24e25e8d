/** Tar archives in WebDataset's convention, read once and sequentially. */
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { readBytes, type SourceFile } from '../sources/source-files.ts';
import { type RowOrBroken, unreadable } from './row.ts';
import { type ArchiveEntry, samplesOf } from './samples.ts';
import { isPacked, unpacked } from './unpacked.ts';

const blockByteLength = 512;

/**
 * Requires the blocks of zeros that end an archive; otherwise one truncated between two files would look complete.
 * Compressed files have an end of their own.
 */
async function checkEnd(file: SourceFile): Promise<void> {
  const end = await readBytes(file, Math.max(0, file.byteLength - blockByteLength));
  if (end.byteLength < blockByteLength || end.some((byte) => byte !== 0))
    throw unreadable(file.name, 'the archive has no end');
}

async function* entriesOf(file: SourceFile): AsyncGenerator<ArchiveEntry> {
  if (!(await isPacked(file))) await checkEnd(file);
  const archive = extract();
  const source = Readable.from(unpacked(file), { objectMode: false });
  source.on('error', (error) => archive.destroy(error)).pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, size, type } = entry.header;
      if (type === 'file' || type === 'contiguous-file') {
        yield {
          name,
          byteLength: size,
          bytes: async () => {
            const pieces: Uint8Array[] = [];
            for await (const piece of entry) pieces.push(piece as Uint8Array);
            return Buffer.concat(pieces);
          },
        };
      }
      entry.resume();
    }
  } catch (error) {
    throw unreadable(file.name, error);
  } finally {
    source.destroy();
  }
}

export function readTar(file: SourceFile): AsyncIterable<RowOrBroken> {
  return samplesOf(file.name, entriesOf(file));
}
