/** Objects as files under a root folder: the store of unit tests and of machines without S3. One machine only. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { errnoOf } from './errno.ts';
import {
  type ByteRange,
  checkKey,
  keyUnder,
  type ObjectEntry,
  type ObjectHead,
  type ObjectStore,
  type StreamBody,
} from './object-store.ts';
import { proven } from './stream-digest.ts';

/** Holds files that are still being written; no key can name it. */
const partialFolder = '.partial~';

export class FolderObjectStore implements ObjectStore {
  readonly name: string;
  readonly #root: string;
  readonly #baseUri: string;

  constructor(root: string) {
    this.#root = resolve(root);
    this.name = this.#root;
    this.#baseUri = `${pathToFileURL(this.#root).href}/`;
  }

  uriOf(key: string): string {
    return `${this.#baseUri}${checkKey(key)}`;
  }

  keyOf(uri: string): string {
    return keyUnder(this.#baseUri, uri, this.name);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return absentAsUndefined(readFile(this.#path(key)));
  }

  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const path = this.#path(key);
    const part = range && { start: range.start, end: range.end - 1 };
    return (await this.head(key)) === undefined ? undefined : createReadStream(path, part);
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#publish(key, [bytes], replace);
  }

  async putStream(key: string, body: StreamBody): Promise<void> {
    await this.#publish(key, proven(body.open(), body), replace);
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return this.#publish(key, [bytes], async (partial, path) => {
      try {
        // link() refuses an existing name in one step; rename() would replace it.
        await link(partial, path);
        return 'written';
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return 'exists';
        throw error;
      } finally {
        await rm(partial);
      }
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const found = await absentAsUndefined(stat(this.#path(key)));
    return found?.isFile() === true ? { byteLength: found.size } : undefined;
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    const entries = (await absentAsUndefined(readdir(this.#root, { recursive: true, withFileTypes: true }))) ?? [];
    const keys = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#root.length + 1))
      .filter((key) => key.startsWith(prefix) && !key.startsWith(partialFolder))
      .sort();
    for (const key of keys) {
      const head = await this.head(key);
      if (head !== undefined) yield { key, ...head };
    }
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  /** Writes beside the final place, to the disk, and only then gives the file its name. */
  async #publish<R>(
    key: string,
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    commit: (partial: string, path: string) => Promise<R>,
  ): Promise<R> {
    const path = this.#path(key);
    const partial = join(this.#root, partialFolder, randomUUID());
    await mkdir(dirname(partial), { recursive: true });
    await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(partial, 'wx');
      try {
        for await (const chunk of body) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    const result = await commit(partial, path);
    await syncFolder(dirname(path));
    return result;
  }
}

async function replace(partial: string, path: string): Promise<void> {
  await rename(partial, path);
}

/** Without this a power cut can lose the new name although the bytes are on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function absentAsUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
