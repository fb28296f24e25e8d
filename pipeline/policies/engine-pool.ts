/**
 * The engines of a compute worker, each leased to one activity at a time. An activity gets the idle engine whose state
 * is nearest to the one it wants. An engine that has exited is replaced when it is next leased.
 */
import type { Engine, EngineInfo } from '../../policy/engine.ts';
import { commonLength, type StateKey } from './state-key.ts';

/** One engine and the state that it holds. */
export interface EngineSlot {
  readonly index: number;
  readonly engine: Engine;
  /** The policy that the engine holds; undefined if unknown: in a new engine, or during an update. */
  resident: StateKey | undefined;
  /** What the engine last reported when it loaded a state; undefined before. */
  info: EngineInfo | undefined;
  /** Digest of the snapshot that is loaded as the KL reference. */
  reference: string | undefined;
}

export interface EngineLease {
  readonly slot: EngineSlot;
  readonly release: () => void;
}

export class EnginePool {
  readonly #startEngine: () => Engine;
  readonly #slots: (EngineSlot | undefined)[];
  readonly #busy = new Set<number>();
  readonly #usedAt: number[];
  #clock = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, startEngine: () => Engine) {
    this.#startEngine = startEngine;
    this.#slots = Array.from({ length: count }, () => undefined);
    this.#usedAt = Array.from({ length: count }, () => 0);
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Leases an engine. Waits while all engines are leased. */
  async lease(wanted: StateKey): Promise<EngineLease> {
    for (;;) {
      const index = this.#nearest(wanted);
      if (index !== undefined) return this.#take(index);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    const engines = this.#slots.flatMap((slot) => slot?.engine ?? []);
    await Promise.all(engines.map((engine) => engine.close()));
  }

  /** Prefers the longest prefix of the wanted state, then an unknown state, then the engine unused for longest. */
  #nearest(wanted: StateKey): number | undefined {
    const score = (index: number): readonly [number, number] => {
      const resident = this.#slots[index]?.resident;
      const known = resident === undefined ? 0.5 : commonLength(resident, wanted);
      return [known, -(this.#usedAt[index] ?? 0)];
    };
    const idle = this.#slots.map((_, index) => index).filter((index) => !this.#busy.has(index));
    return idle.sort((a, b) => compare(score(b), score(a)))[0];
  }

  #take(index: number): EngineLease {
    this.#busy.add(index);
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#busy.delete(index);
      this.#usedAt[index] = ++this.#clock;
      this.#waiting.shift()?.();
    };
    try {
      return { slot: this.#slots[index] ?? this.#start(index), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #start(index: number): EngineSlot {
    const slot: EngineSlot = {
      index,
      engine: this.#startEngine(),
      resident: undefined,
      info: undefined,
      reference: undefined,
    };
    this.#slots[index] = slot;
    const forget = (): void => {
      if (this.#slots[index] === slot) this.#slots[index] = undefined;
    };
    void slot.engine.closed.then(forget, forget);
    return slot;
  }
}

function compare([a, b]: readonly [number, number], [c, d]: readonly [number, number]): number {
  return a === c ? b - d : a - c;
}
