/**
 * Cache of policy states for this worker's engines: fetched snapshots, and states between two snapshots that an engine
 * had to give up. A missing state is fetched or replayed.
 */
import type { StateHandle } from '../../policy/engine.ts';
import type { StateTransfer } from '../../policy/engines/engine-service.ts';
import { commonLength, type StateKey } from './state-key.ts';

interface Entry {
  readonly key: StateKey;
  readonly state: StateHandle;
  /** Number of pins. */
  readers: number;
}

/** A state that is being fetched, for all callers that wait for it. */
interface Fetching {
  readonly key: StateKey;
  readonly entry: Promise<Entry>;
  readers: number;
}

/** A state that stays cached until it is released. */
export interface PinnedState {
  readonly state: StateHandle;
  readonly release: () => Promise<void>;
}

export interface StateCacheOptions {
  readonly countMax?: number;
  /** With moments a state is three times the size of its weights: 2.7 GB for SmolVLM-256M. */
  readonly byteLengthMax?: number;
}

/** Kept whatever their size: the state that an engine gives up, and the one that it loads next. */
const countMin = 2;

export class StateCache {
  readonly #transfer: Pick<StateTransfer, 'discard'>;
  readonly #countMax: number;
  readonly #byteLengthMax: number;
  /** In order of use, most recent last. */
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

  /** The longest cached key that is a prefix of `wanted`. */
  nearest(wanted: StateKey): StateKey | undefined {
    const lengths = this.#entries.map(({ key }) => ({ key, length: commonLength(key, wanted) }));
    return lengths.filter(({ length }) => length > 0).sort((a, b) => b.length - a.length)[0]?.key;
  }

  holds(key: StateKey): boolean {
    return this.#entries.some((entry) => same(entry.key, key));
  }

  /** Pins the state of the key. A missing state is fetched once, however many callers ask at the same time. */
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

  /** Takes ownership of a state that an engine saved. */
  async keep(key: StateKey, state: StateHandle): Promise<void> {
    await this.#add({ key, state, readers: 0 });
  }

  /** Removes a state whose stored data has been lost. */
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
        // All waiting callers are counted as readers at once, so that no trim can remove the entry before they have it.
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

  /**
   * Removes the least recently used states. Pinned states stay, and so does the newest, which may not be pinned yet:
   * they are at most as many as the engines.
   */
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
