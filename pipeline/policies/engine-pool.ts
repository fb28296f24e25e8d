/**
 * The engines of a compute worker: child processes, each held by one activity at a time. An activity gets the idle
 * engine whose state is nearest to the requested one; an engine that died or was killed is replaced at the next request.
 */
import type { Engine, EngineInfo } from '../../policy/engine.ts';
import { commonLength, type StateKey } from './state-key.ts';

/** A running engine, as policy/engines/ spawns it. */
export interface EngineProcess extends Engine {
  readonly pid: number;
  kill(): void;
  /** Never falls: CPU time of the process and messages from it. */
  progress(): number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** One engine and its current state. */
export interface EngineSlot {
  readonly index: number;
  readonly engine: EngineProcess;
  /** Its policy; undefined while unknown: a new engine, or one in the middle of an update. */
  resident: StateKey | undefined;
  /** What it said of itself when it loaded something. */
  info: EngineInfo | undefined;
  /** Digest of the snapshot that is loaded as the KL reference. */
  reference: string | undefined;
}

export interface EngineLease {
  readonly slot: EngineSlot;
  readonly release: () => void;
}

export class EnginePool {
  readonly #spawn: () => EngineProcess;
  readonly #slots: (EngineSlot | undefined)[];
  readonly #busy = new Set<number>();
  readonly #usedAt: number[];
  #clock = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, spawn: () => EngineProcess) {
    this.#spawn = spawn;
    this.#slots = Array.from({ length: count }, () => undefined);
    this.#usedAt = Array.from({ length: count }, () => 0);
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Waits while all engines are held. */
  async lease(wanted: StateKey): Promise<EngineLease> {
    for (;;) {
      const index = this.#nearest(wanted);
      if (index !== undefined) return this.#take(index);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    const living = this.#slots.flatMap((slot) => slot?.engine ?? []);
    for (const engine of living) engine.kill();
    await Promise.all(living.map(({ exited }) => exited));
  }

  /** Most of the wanted log first; then an empty engine; then the one unused for longest. */
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
      engine: this.#spawn(),
      resident: undefined,
      info: undefined,
      reference: undefined,
    };
    this.#slots[index] = slot;
    const forget = (): void => {
      if (this.#slots[index] === slot) this.#slots[index] = undefined;
    };
    void slot.engine.exited.then(forget, forget);
    return slot;
  }
}

function compare([a, b]: readonly [number, number], [c, d]: readonly [number, number]): number {
  return a === c ? b - d : a - c;
}
