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
  /** Those who pinned it. */
  readers: number;
}

/** A state that is being written, for all who wait for it. */
interface Making {
  readonly key: StateKey;
  readonly entry: Promise<Entry>;
  readers: number;
}

/** A state's folder, which stays until it is released. */
export interface PinnedState {
  readonly folder: string;
  readonly release: () => Promise<void>;
}

export interface StateFoldersOptions {
  readonly countMax?: number;
  /** With moments a state is three times its weights: 2.7 GB for SmolVLM-256M. */
  readonly byteLengthMax?: number;
}

/** The state that an engine leaves and the one that it changes to. */
const countMin = 2;

export class StateFolders {
  readonly #root: string;
  readonly #countMax: number;
  readonly #byteLengthMax: number;
  /** In order of use, the newest last. */
  readonly #entries: Entry[] = [];
  readonly #making = new Set<Making>();
  #folderCount = 0;

  /** `root` belongs to this process alone. */
  constructor(root: string, { countMax = 8, byteLengthMax = 10e9 }: StateFoldersOptions = {}) {
    this.#root = root;
    this.#countMax = countMax;
    this.#byteLengthMax = byteLengthMax;
  }

  /** The longest local state that is a prefix of `wanted`. */
  nearest(wanted: StateKey): StateKey | undefined {
    const lengths = this.#entries.map(({ key }) => ({ key, length: commonLength(key, wanted) }));
    return lengths.filter(({ length }) => length > 0).sort((a, b) => b.length - a.length)[0]?.key;
  }

  holds(key: StateKey): boolean {
    return this.#entries.some((entry) => same(entry.key, key));
  }

  /** The state's folder. Where it is not here, `write` fills it: once, however many ask at the same time. */
  async pin(key: StateKey, write: (folder: string) => Promise<void>): Promise<PinnedState> {
    const index = this.#entries.findIndex((entry) => same(entry.key, key));
    const [known] = index < 0 ? [] : this.#entries.splice(index, 1);
    if (known) {
      this.#entries.push(known);
      known.readers++;
      return this.#pinned(known);
    }
    const making = [...this.#making].find((each) => same(each.key, key)) ?? this.#make(key, write);
    making.readers++;
    return this.#pinned(await making.entry);
  }

  /** Has `write` fill a folder and name the state in it; only then is it here. Returns what `write` did. */
  async keep<T>(write: (folder: string) => Promise<readonly [StateKey, T]>): Promise<readonly [StateKey, T]> {
    const [written, entry] = await this.#write(async (folder) => {
      const made = await write(folder);
      return [made[0], made];
    });
    await this.#add(entry);
    return written;
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

  #pinned(entry: Entry): PinnedState {
    return {
      folder: entry.folder,
      release: () => {
        entry.readers--;
        return this.#trim();
      },
    };
  }

  #make(key: StateKey, write: (folder: string) => Promise<void>): Making {
    const make = async (): Promise<Entry> => {
      try {
        const [, entry] = await this.#write(async (folder) => {
          await write(folder);
          return [key, undefined];
        });
        // All who wait have it from its first moment here: no trim comes between.
        entry.readers = making.readers;
        this.#making.delete(making);
        await this.#add(entry);
        return entry;
      } finally {
        this.#making.delete(making);
      }
    };
    const making: Making = { key, entry: make(), readers: 0 };
    this.#making.add(making);
    return making;
  }

  async #write<T>(write: (folder: string) => Promise<readonly [StateKey, T]>): Promise<readonly [T, Entry]> {
    const folder = join(this.#root, `state-${String(++this.#folderCount)}`);
    await mkdir(folder, { recursive: true });
    try {
      const [key, written] = await write(folder);
      return [written, { key, folder, byteLength: await byteLengthOf(folder), readers: 0 }];
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #add(entry: Entry): Promise<void> {
    this.#entries.push(entry);
    await this.#trim();
  }

  #isOver(): boolean {
    const count = this.#entries.length;
    const byteLength = this.#entries.reduce((sum, entry) => sum + entry.byteLength, 0);
    return count > this.#countMax || (byteLength > this.#byteLengthMax && count > countMin);
  }

  /** States in use are kept, and so is the newest one, which may not have been read yet: there are few, as there are few engines. */
  async #trim(): Promise<void> {
    while (this.#isOver()) {
      const index = this.#entries.findIndex(({ readers }, i) => readers === 0 && i < this.#entries.length - 1);
      const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
      if (!entry) return;
      await rm(entry.folder, { recursive: true, force: true });
    }
  }
}

async function byteLengthOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const found = await Promise.all(names.map((name) => stat(join(folder, name))));
  return found.reduce((sum, { size }) => sum + size, 0);
}

function same(a: StateKey, b: StateKey): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}
