/**
 * Objects as files under a root folder: the store of exported folders, unit tests and benchmarks. For one machine only.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import { errnoOf } from './errno.ts';
import {
  type ByteRange,
  checkKey,
  keyUnder,
  type ObjectEntry,
  type ObjectHead,
  type ObjectStore,
  type StreamBody,
  type TaggedBytes,
} from './object-store.ts';
import { proven } from './stream-digest.ts';

/** Folder of the temporary files of writes in progress, and of locks; no key can name it. */
const partialFolder = '.partial~';

/** Maximum wait for a lock: a comparison and a rename take milliseconds, so a process that holds it longer is dead. */
const lockTimeoutMs = 5_000;

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
        // link() fails for an existing name atomically; rename() would replace it.
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

  async getTagged(key: string): Promise<TaggedBytes | undefined> {
    const [bytes, found] = await Promise.all([this.get(key), absentAsUndefined(stat(this.#path(key)))]);
    return bytes && found && { bytes, tag: sha256(bytes), modifiedAtMs: found.mtimeMs };
  }

  async putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'> {
    return this.#locked(key, async () => {
      if ((await this.getTagged(key))?.tag !== tag) return 'changed';
      await this.put(key, bytes);
      return 'written';
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const found = await absentAsUndefined(stat(this.#path(key)));
    return found?.isFile() === true ? { byteLength: found.size, modifiedAtMs: found.mtimeMs } : undefined;
  }

  async touch(key: string): Promise<boolean> {
    const now = new Date();
    const touched = utimes(this.#path(key), now, now).then(() => true);
    return (await absentAsUndefined(touched)) ?? false;
  }

  /** This machine's clock, which also sets the times of files. */
  timeMs(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await rm(this.#path(key), { force: true });
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectEntry> {
    yield* this.#listFolder('', prefix, after);
  }

  /** Lists recursively; holds the names of one folder per level in memory. */
  async *#listFolder(folder: string, prefix: string, after: string): AsyncIterable<ObjectEntry> {
    const entries = (await absentAsUndefined(readdir(join(this.#root, folder), { withFileTypes: true }))) ?? [];
    // Folder names include the slash of their keys, so that `a.json` comes before `a/b` as it does in S3.
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
    for (const name of names) {
      const key = `${folder}${name}`;
      if (key === `${partialFolder}/` || !(key.startsWith(prefix) || prefix.startsWith(key))) continue;
      if (key <= after && !after.startsWith(key)) continue;
      if (name.endsWith('/')) {
        yield* this.#listFolder(key, prefix, after);
        continue;
      }
      const found =
        key.startsWith(prefix) && key > after ? await absentAsUndefined(stat(join(this.#root, key))) : undefined;
      if (found?.isFile() === true) yield { key, byteLength: found.size, modifiedAtMs: found.mtimeMs };
    }
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  /** Serializes calls for one key, across processes. Throws STORE_FAILED if the lock does not become free. */
  async #locked<R>(key: string, body: () => Promise<R>): Promise<R> {
    const lock = join(this.#root, partialFolder, `${sha256(checkKey(key))}.lock`);
    await mkdir(dirname(lock), { recursive: true });
    const deadlineMs = Date.now() + lockTimeoutMs;
    while (!(await made(lock))) {
      if (Date.now() > deadlineMs)
        throw new MtrlError('STORE_FAILED', 'another process holds the lock of an object', {
          where: lock,
          hint: 'if no process uses this folder, delete the lock file',
        });
      await sleep(5);
    }
    try {
      return await body();
    } finally {
      await rm(lock);
    }
  }

  /** Writes and syncs a temporary file before `commit` gives it its name. */
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

/** Creates the file; returns false if it exists. */
async function made(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function replace(partial: string, path: string): Promise<void> {
  await rename(partial, path);
}

/** Syncs the folder: without this, a power failure can lose the new name although the bytes are on the disk. */
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
