/** Files of Hub repositories as source files; each is downloaded into the Hub's cache before it is read. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { required } from '../../core/assert.ts';
import { type HubAddress, hubAddressText } from '../../core/hub-address.ts';
import type { Hub, HubFile } from '../../artifacts/hub/hub.ts';
import type { SourceFile, SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { hubPlace } from './hub-place.ts';

const pieceByteLength = 1 << 20;

export class HubFiles implements SourceFiles {
  readonly #hub: Hub | undefined;

  constructor(hub: Hub | undefined) {
    this.#hub = hub;
  }

  async kindOf(place: string): Promise<'file' | 'folder' | 'nothing'> {
    const { address, files } = await this.#filesOf(place);
    if (files.some(({ path }) => path === address.path)) return 'file';
    return files.some(({ path }) => isBelow(path, address.path)) ? 'folder' : 'nothing';
  }

  async find(place: string): Promise<SourceFile | undefined> {
    const { address, files } = await this.#filesOf(place);
    const file = files.find(({ path }) => path === address.path);
    return file && this.#sourceFile(address, file);
  }

  async *list(folder: string): AsyncGenerator<SourceFile> {
    const { address, files } = await this.#filesOf(folder);
    const below = files.filter(({ path }) => isBelow(path, address.path));
    for (const file of below.sort((a, b) => (a.path < b.path ? -1 : 1))) yield this.#sourceFile(address, file);
  }

  async #filesOf(place: string): Promise<{ readonly address: HubAddress; readonly files: readonly HubFile[] }> {
    const { hub, address: named } = hubPlace(this.#hub, place);
    const address = { ...named, revision: await hub.commitOf(named) };
    return { address, files: await hub.files(address) };
  }

  #sourceFile(address: HubAddress, file: HubFile): SourceFile {
    const hub = required(this.#hub, 'a Hub');
    return {
      name: hubAddressText({ ...address, path: file.path }),
      byteLength: file.byteLength,
      version: file.blob,
      async *open(start = 0, end = file.byteLength) {
        if (start >= end) return;
        await hub.download(address, [file], () => undefined);
        const range = { start, end: end - 1, highWaterMark: pieceByteLength };
        yield* createReadStream(join(hub.snapshotFolder(address), file.path), range) as AsyncIterable<Uint8Array>;
      },
    };
  }
}

function isBelow(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`);
}
