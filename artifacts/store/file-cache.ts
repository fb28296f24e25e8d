/**
 * Large artifacts as files on the local disk, by digest, for all workers of a host that name the same folder. A file is
 * fetched once, however many workers want it at the same time, and verified at every use.
 */
import { createWriteStream } from 'node:fs';
import { copyFile, link, mkdir, open as openFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from './errno.ts';
import { type Digested, digestFile, proven, sameBytes } from './stream-digest.ts';

export interface FileCacheSettings {
  readonly folder: string;
  /** The least recently used files are deleted beyond it; the newest one is kept whatever its size. */
  readonly byteLengthMax: number;
}

const pollMs = 100;
/** Longer than a store may be silent (s3-transport.ts): whoever wrote to a partial file that long ago is dead. */
const staleAfterMs = 60_000;
const partialEnding = '.partial';

export class FileCache {
  readonly #folder: string;
  readonly #byteLengthMax: number;

  constructor({ folder, byteLengthMax }: FileCacheSettings) {
    this.#folder = folder;
    this.#byteLengthMax = byteLengthMax;
  }

  /** Creates `path`, as a second name of the cached file where the file system allows it: it must not be written to. */
  async place(content: Digested, path: string, open: () => Promise<Readable>): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const kept = join(this.#folder, content.sha256);
    for (;;) {
      const isThere = (await isIntact(kept, content)) || (await this.#fetch(kept, content, open));
      if (isThere && (await placed(kept, path))) return;
      if (!isThere) await sleep(pollMs);
    }
  }

  /** False if another worker fetches the file. */
  async #fetch(kept: string, content: Digested, open: () => Promise<Readable>): Promise<boolean> {
    const partial = `${kept}${partialEnding}`;
    if (!(await isCreated(partial))) {
      await removeStale(partial);
      return false;
    }
    try {
      // Another worker may have fetched it since the caller looked.
      if (await isIntact(kept, content)) {
        await rm(partial, { force: true });
        return true;
      }
      const checked = (bytes: AsyncIterable<unknown>) => proven(bytes, content, kept);
      await pipeline(await open(), checked, createWriteStream(partial));
      await rename(partial, kept);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await this.#trim(content.sha256);
    return true;
  }

  async #trim(newest: string): Promise<void> {
    const names = await readdir(this.#folder);
    const isPartial = (name: string): boolean => name.endsWith(partialEnding);
    await Promise.all(names.filter(isPartial).map((name) => removeStale(join(this.#folder, name))));
    const whole = names.filter((name) => !isPartial(name));
    const found = await Promise.all(
      whole.map(async (name) => {
        const { size = 0, mtimeMs = 0 } = (await stat(join(this.#folder, name)).catch(() => undefined)) ?? {};
        return { name, size, usedAtMs: name === newest ? Infinity : mtimeMs };
      }),
    );
    let byteLength = found.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size, usedAtMs } of found.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (byteLength <= this.#byteLengthMax || usedAtMs === Infinity) return;
      await rm(join(this.#folder, name), { force: true });
      byteLength -= size;
    }
  }
}

/** Creates an empty file; false if it exists. */
async function isCreated(path: string): Promise<boolean> {
  try {
    await (await openFile(path, 'wx')).close();
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the partial file of a worker that has died. */
async function removeStale(partial: string): Promise<void> {
  const { mtimeMs = Infinity } = (await stat(partial).catch(() => undefined)) ?? {};
  if (Date.now() - mtimeMs > staleAfterMs) await rm(partial, { force: true });
}

/** Whether the file has this content. A damaged one is deleted. */
async function isIntact(kept: string, content: Digested): Promise<boolean> {
  const found = await digestFile(kept).catch(() => undefined);
  if (found === undefined) return false;
  if (sameBytes(content, found)) {
    const now = new Date();
    await utimes(kept, now, now).catch(() => undefined);
    return true;
  }
  await rm(kept, { force: true });
  return false;
}

/** False if another worker has deleted the file in the meantime. */
async function placed(kept: string, path: string): Promise<boolean> {
  try {
    await link(kept, path).catch(async (error: unknown) => {
      if (!['EXDEV', 'EPERM', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error;
      const partial = `${path}${partialEnding}`;
      await copyFile(kept, partial);
      await rename(partial, path);
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
