/**
 * Policy states on local disk: snapshots that were fetched, and states that an engine had to leave between two
 * snapshots. Only a cache: whatever is not here is fetched or replayed.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commonLength, type StateKey } from './state-key.ts';

export class StateFolders {
  readonly #root: string;
  readonly #countMax: number;
  /** In order of use, the newest last. */
  readonly #entries: { readonly key: StateKey; readonly folder: string; readers: number }[] = [];
  #folderCount = 0;

  /** `root` belongs to this process alone. */
  constructor(root: string, countMax = 8) {
    this.#root = root;
    this.#countMax = countMax;
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
      this.#entries.push({ key: written[0], folder, readers: 0 });
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

  async #trim(): Promise<void> {
    while (this.#entries.length > this.#countMax) {
      const index = this.#entries.findIndex(({ readers }) => readers === 0);
      const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
      if (!entry) return;
      await emptyFolder(entry.folder);
    }
  }
}

/** An engine that was loaded from there still copies its config from there when it is saved. */
async function emptyFolder(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name !== 'config.json');
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

function same(a: StateKey, b: StateKey): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}
