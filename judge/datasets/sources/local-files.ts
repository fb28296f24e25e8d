/** Source files on this machine. */
import { createReadStream, type Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SourceFile, SourceFiles } from './source-files.ts';

/** Each read waits among the images that are being decoded, so few large reads wait less. */
const pieceByteLength = 1024 * 1024;

/** The version includes ctime, which changes when a file is written and cannot be set back. */
function localFile(name: string, { size: byteLength, ino, ctimeMs }: Stats): SourceFile {
  return {
    name,
    byteLength,
    version: `${ino} ${ctimeMs}`,
    async *open(start = 0, end = byteLength) {
      const range = { start, end: end - 1, highWaterMark: pieceByteLength };
      if (start < end) yield* createReadStream(name, range) as AsyncIterable<Uint8Array>;
    },
  };
}

/** Links are followed (Hugging Face's cache consists of them), except those to an enclosing folder. */
async function* filesBelow(folder: string, around: readonly string[] = []): AsyncGenerator<SourceFile> {
  const real = await realpath(folder);
  if (around.includes(real)) return;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const place = path.join(folder, name);
    const found = await stat(place).catch(() => undefined);
    if (found?.isDirectory() === true) yield* filesBelow(place, [...around, real]);
    else if (found?.isFile() === true) yield localFile(place, found);
  }
}

export const localFiles: SourceFiles = {
  async kindOf(place) {
    const found = await stat(place).catch(() => undefined);
    if (found?.isFile() === true) return 'file';
    return found?.isDirectory() === true ? 'folder' : 'nothing';
  },
  async find(place) {
    const found = await stat(place).catch(() => undefined);
    return found?.isFile() === true ? localFile(place, found) : undefined;
  },
  list: (folder) => filesBelow(folder),
};
