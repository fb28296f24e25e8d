/** Zip archives in the same convention as tar: files that share their name up to the first dot form one sample. */
import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { MtrlError } from '../../../core/errors.ts';
import { UnusableRow } from '../reading.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { type RowOrBroken, unreadable } from './row.ts';
import { type ArchiveEntry, samplesOf } from './samples.ts';

/** Limit on entries, whose names are all held in memory. */
const entryCountMax = 4_000_000;

class FileReader extends RandomAccessReader {
  readonly #file: SourceFile;

  constructor(file: SourceFile) {
    super();
    this.#file = file;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#file.open(start, end), { objectMode: false });
  }
}

/** Reads no more than the declared length of the entry (yauzl checks it); a wrong length affects this entry alone. */
async function bytesOf(archive: ZipFile, entry: Entry): Promise<Uint8Array> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of await archive.openReadStreamPromise(entry)) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof MtrlError) throw error;
    throw new UnusableRow('ROW_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
}

/** Entries sorted by name, so that a sample's files are adjacent whatever tool packed them. */
async function* entriesOf(file: SourceFile): AsyncGenerator<ArchiveEntry> {
  const entries: { readonly name: string; readonly entry: Entry }[] = [];
  let archive: ZipFile | undefined;
  try {
    // names are checked entry by entry: one bad name is one bad row
    const options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true };
    archive = await fromRandomAccessReaderPromise(new FileReader(file), file.byteLength, options);
    if (archive.entryCount > entryCountMax) throw new Error(`${archive.entryCount} entries`);
    for await (const entry of archive.eachEntry()) {
      entries.push({ name: new TextDecoder().decode(entry.fileNameRaw), entry });
    }
  } catch (error) {
    throw unreadable(file.name, error);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const { name, entry } of entries) {
    const opened = archive;
    yield { name, byteLength: entry.uncompressedSize, bytes: () => bytesOf(opened, entry) };
  }
}

export function readZip(file: SourceFile): AsyncIterable<RowOrBroken> {
  return samplesOf(file.name, entriesOf(file));
}
