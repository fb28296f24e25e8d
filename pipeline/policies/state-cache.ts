/**
 * Policy states within reach of this worker's engines: snapshots that were fetched, and states that an engine had to
 * leave between two snapshots. Only a cache: whatever is not here is fetched or replayed.
 */
import type { StateHandle } from '../../policy/engine.ts';
import type { StateTransfer } from '../../policy/engines/engine-service.ts';
import { commonLength, type StateKey } from './state-key.ts';

interface Entry {
  readonly key: StateKey;
  readonly state: StateHandle;
  /** Those who pinned it. */
  readers: number;
}

/** A state that is being fetched, for all who wait for it. */
interface Fetching {
  readonly key: StateKey;
  readonly entry: Promise<Entry>;
  readers: number;
}

/** A state which stays until it is released. */
export interface PinnedState {
  readonly state: StateHandle;
  readonly release: () => Promise<void>;
}

export interface StateCacheOptions {
  readonly countMax?: number;
  /** With moments a state is three times its weights: 2.7 GB for SmolVLM-256M. */
  readonly byteLengthMax?: number;
}

/** What an engine leaves and what it goes to. */
const countMin = 2;

export class StateCache {
  readonly #transfer: Pick<StateTransfer, 'discard'>;
  readonly #countMax: number;
  readonly #byteLengthMax: number;
  /** In order of use, the newest last. */
  readonly #entries: Entry[] = [];
  readonly #fetching = new Set<Fetching>();

  constructor(
    transfer: Pick<StateTransfer, 'discard'>,
    { countMax = 8, byteLengthMax = 10e9 }: StateCacheOptions = {},
  ) {
    this.#transfer = transfer;
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

  /** The state of the key. Where it is not here, `fetch` brings it: once, however many ask at the same time. */
  async pin(key: StateKey, fetch: () => Promise<StateHandle>): Promise<PinnedState> {
    const known = this.#take(key);
    if (known) {
      this.#entries.push(known);
      known.readers++;
      return this.#pinned(known);
    }
    const fetching = [...this.#fetching].find((each) => same(each.key, key)) ?? this.#fetch(key, fetch);
    fetching.readers++;
    return this.#pinned(await fetching.entry);
  }

  /** Takes over a state that an engine saved. */
  async keep(key: StateKey, state: StateHandle): Promise<void> {
    await this.#add({ key, state, readers: 0 });
  }

  /** Forgets a state that turned out to be lost where it was kept. */
  async drop(key: StateKey): Promise<void> {
    const lost = this.#take(key);
    if (lost) await this.#transfer.discard(lost.state);
  }

  #take(key: StateKey): Entry | undefined {
    const index = this.#entries.findIndex((entry) => same(entry.key, key));
    return index < 0 ? undefined : this.#entries.splice(index, 1)[0];
  }

  #pinned(entry: Entry): PinnedState {
    return {
      state: entry.state,
      release: () => {
        entry.readers--;
        return this.#trim();
      },
    };
  }

  #fetch(key: StateKey, fetch: () => Promise<StateHandle>): Fetching {
    const make = async (): Promise<Entry> => {
      try {
        const state = await fetch();
        // All who wait have it from its first moment here: no trim comes between.
        const entry: Entry = { key, state, readers: fetching.readers };
        this.#fetching.delete(fetching);
        await this.#add(entry);
        return entry;
      } finally {
        this.#fetching.delete(fetching);
      }
    };
    const fetching: Fetching = { key, entry: make(), readers: 0 };
    this.#fetching.add(fetching);
    return fetching;
  }

  async #add(entry: Entry): Promise<void> {
    this.#entries.push(entry);
    await this.#trim();
  }

  #isOver(): boolean {
    const count = this.#entries.length;
    const byteLength = this.#entries.reduce((sum, { state }) => sum + state.byteLength, 0);
    return count > this.#countMax || (byteLength > this.#byteLengthMax && count > countMin);
  }

  /** States that are read stay, and so does the newest, which nobody may have read yet: they are few, as engines are. */
  async #trim(): Promise<void> {
    while (this.#isOver()) {
      const index = this.#entries.findIndex(({ readers }, i) => readers === 0 && i < this.#entries.length - 1);
      const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
      if (!entry) return;
      await this.#transfer.discard(entry.state);
    }
  }
}

function same(a: StateKey, b: StateKey): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}
