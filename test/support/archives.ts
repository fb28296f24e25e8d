/** Archives in memory, as users' tools would write them. */
import { crc32, deflateRawSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface ArchiveFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export async function tarOf(files: readonly ArchiveFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, bytes } of files) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces);
}

interface ZipOptions {
  /** Length of each entry as the central directory states it, if it is false. */
  readonly claimedByteLength?: number;
  /** Compressed bytes instead of each entry's own, for content that would not fit into memory. */
  readonly deflated?: Buffer;
}

/** PKWARE APPNOTE 4.3: local headers with data, the central directory, its end. */
export function zipOf(files: readonly ArchiveFile[], { claimedByteLength, deflated }: ZipOptions = {}): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const [nameBytes, data] = [Buffer.from(name), deflated ?? deflateRawSync(bytes)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(data.byteLength, 14);
    common.writeUInt32LE(claimedByteLength ?? bytes.byteLength, 18);
    common.writeUInt16LE(nameBytes.byteLength, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, tail, nameBytes]));
    locals.push(local);
    offset += local.byteLength;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.byteLength, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
