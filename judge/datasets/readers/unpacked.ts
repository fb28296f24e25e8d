/** The plain bytes of a file that may be compressed, which its first bytes say, whatever its name is. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { readBytes, type SourceFile } from '../sources/source-files.ts';
import { unreadable } from './row.ts';

interface Packing {
  readonly name: string;
  /** The first bytes. */
  readonly start: readonly number[];
  /** Undefined for a format that is not read. */
  readonly unpack?: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

const packings: readonly Packing[] = [
  { name: 'gzip', start: [0x1f, 0x8b], unpack: gunzipped },
  { name: 'Zstandard', start: [0x28, 0xb5, 0x2f, 0xfd], unpack: unzstd },
  { name: 'bzip2', start: [0x42, 0x5a, 0x68] },
  { name: 'xz', start: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'zip', start: [0x50, 0x4b, 0x03, 0x04] },
];

async function packingOf(file: SourceFile): Promise<Packing | undefined> {
  const start = await readBytes(file, 0, Math.min(8, file.byteLength));
  return packings.find((packing) => packing.start.every((byte, i) => start[i] === byte));
}

async function* gunzipped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const packed = Readable.from(pieces, { objectMode: false });
  const plain = createGunzip();
  packed.on('error', (error) => plain.destroy(error)).pipe(plain);
  try {
    yield* plain as AsyncIterable<Uint8Array>;
  } finally {
    packed.destroy();
    plain.destroy();
  }
}

/** Small inputs bound the memory: a few bytes may unpack to a block of 128 KiB. */
const inputByteLength = 4 * 1024;

async function* unzstd(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let unpacked: Uint8Array[] = [];
  const stream = new Decompress((bytes) => void unpacked.push(bytes));
  for await (const piece of pieces) {
    for (let start = 0; start < piece.byteLength; start += inputByteLength) {
      stream.push(piece.subarray(start, start + inputByteLength));
      yield* unpacked;
      unpacked = [];
    }
  }
  stream.push(new Uint8Array(), true);
  yield* unpacked;
}

/** Whether `unpacked` would unpack the file. */
export async function isPacked(file: SourceFile): Promise<boolean> {
  return (await packingOf(file))?.unpack !== undefined;
}

/** FILE_UNREADABLE for a compressed file that is damaged, or whose compression is not read. */
export async function* unpacked(file: SourceFile): AsyncGenerator<Uint8Array> {
  const packing = await packingOf(file);
  if (packing === undefined) {
    yield* file.open();
    return;
  }
  if (packing.unpack === undefined) throw notPlain(file, packing);
  try {
    yield* packing.unpack(file.open());
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

/** FILE_UNREADABLE if the file is compressed, for readers that need to seek in it. */
export async function requirePlain(file: SourceFile): Promise<void> {
  const packing = await packingOf(file);
  if (packing !== undefined) throw notPlain(file, packing);
}

function notPlain({ name }: SourceFile, packing: Packing): Error {
  return unreadable(name, `the file is compressed with ${packing.name}: unpack it first`);
}
