/**
 * Policy states on local disk: snapshots that were fetched, and states that an engine had to leave between two
 * snapshots. Only a cache: whatever is not here is fetched or replayed.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { commonLength, type StateKey } from './state-key.ts';

interface Entry {
  readonly key: StateKey;
  readonly folder: string;
  readonly byteLength: number;
  readers: number;
}

export interface StateFoldersOptions {
  readonly countMax?: number;
  /** With moments a state is three times its weights: 2.7 GB for SmolVLM-256M. */
  readonly byteLengthMax?: number;
}

/** What an engine leaves and what it goes to. */
const countMin = 2;

export class StateFolders {
  readonly #root: string;
  readonly #countMax: number;
  readonly #byteLengthMax: number;
  /** In order of use, the newest last. */
  readonly #entries: Entry[] = [];
  #folderCount = 0;

  /** `root` belongs to this process alone. */
  constructor(root: string, { countMax = 8, byteLengthMax = 10e9 }: StateFoldersOptions = {}) {
    this.#root = root;
    this.#countMax = countMax;
    this.#byteLengthMax = byteLengthMax;
  }

  /** The longest state here that begins `wanted`. */
  nearest(wanted: StateKey): StateKey | undefined {
    const lengths = this.#entries.map(({ key }) => ({ key, length: commonLength(key, wanted) }));
    return lengths.filter(({ length }) => length > 0).sort((a, b) => b.length - a.length)[0]?.key;
  }

  holds(key: StateKey): boolean {
    return this.#entries.some((entry) => same(entry.key, key));
  }

  /** Gives the folder of a state to `read`, and keeps it there until then; undefined when it is not here. */
  async use<T>(key: StateKey, read: (folder: string) => Promise<T>): Promise<T | undefined> {
    const index = this.#entries.findIndex((entry) => same(entry.key, key));
    const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
    if (!entry) return undefined;
    this.#entries.push(entry);
    entry.readers++;
    try {
      return await read(entry.folder);
    } finally {
      entry.readers--;
    }
  }

  /** Has `write` fill a folder and name the state in it; only then is it here. Returns what `write` did. */
  async keep<T>(write: (folder: string) => Promise<readonly [StateKey, T]>): Promise<readonly [StateKey, T]> {
    const folder = join(this.#root, `state-${String(++this.#folderCount)}`);
    await mkdir(folder, { recursive: true });
    try {
      const written = await write(folder);
      this.#entries.push({ key: written[0], folder, byteLength: await byteLengthOf(folder), readers: 0 });
      await this.#trim();
      return written;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** A folder for what passes through, gone afterwards. */
  async scratch<T>(body: (folder: string) => Promise<T>): Promise<T> {
    const folder = join(this.#root, `scratch-${String(++this.#folderCount)}`);
    await mkdir(folder, { recursive: true });
    try {
      return await body(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #isOver(): boolean {
    const count = this.#entries.length;
    const byteLength = this.#entries.reduce((sum, entry) => sum + entry.byteLength, 0);
    return count > this.#countMax || (byteLength > this.#byteLengthMax && count > countMin);
  }

  async #trim(): Promise<void> {
    while (this.#isOver()) {
      const index = this.#entries.findIndex(({ readers }) => readers === 0);
      const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
      if (!entry) return;
      await emptyFolder(entry.folder);
    }
  }
}

async function byteLengthOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const found = await Promise.all(names.map((name) => stat(join(folder, name))));
  return found.reduce((sum, { size }) => sum + size, 0);
}

/** An engine that was loaded from there still copies its config from there when it is saved. */
async function emptyFolder(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name !== 'config.json');
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

function same(a: StateKey, b: StateKey): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}
