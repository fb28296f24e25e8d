/** Writes the kit as a tar file, compressed by gzip: a bare Linux machine may lack xz and zstd. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import type { KitFile } from './contents.ts';

export interface Archive {
  readonly byteLength: number;
  readonly unpackedByteLength: number;
  readonly sha256: string;
}

/** The same files give the same bytes. */
export async function writeArchive(files: readonly KitFile[], path: string): Promise<Archive> {
  const tar = pack();
  const written = pipeline(tar, createGzip({ level: constants.Z_BEST_COMPRESSION }), createWriteStream(path));
  let unpackedByteLength = 0;
  for (const { path: name, from, isProgram } of files) {
    const size = 'text' in from ? Buffer.byteLength(from.text) : statSync(from.file).size;
    const header = { name: `kit/${name}`, mode: isProgram === true ? 0o755 : 0o644, mtime: new Date(0), size };
    unpackedByteLength += size;
    if ('text' in from) tar.entry(header, from.text);
    else await pipeline(createReadStream(from.file), tar.entry(header));
  }
  tar.finalize();
  await written;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { byteLength: statSync(path).size, unpackedByteLength, sha256: hash.digest('hex') };
}
