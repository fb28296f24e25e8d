/** Source files of this machine. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SourceFile, SourceFiles } from './source-files.ts';

function localFile(name: string, byteLength: number): SourceFile {
  return {
    name,
    byteLength,
    async *open(start = 0, end = byteLength) {
      if (start < end) yield* createReadStream(name, { start, end: end - 1 }) as AsyncIterable<Uint8Array>;
    },
  };
}

async function* filesBelow(folder: string): AsyncGenerator<SourceFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const place = path.join(folder, name);
    const found = await stat(place).catch(() => undefined);
    if (found?.isDirectory() === true) yield* filesBelow(place);
    else if (found?.isFile() === true) yield localFile(place, found.size);
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
    return found?.isFile() === true ? localFile(place, found.size) : undefined;
  },
  list: (folder) => filesBelow(folder),
};
