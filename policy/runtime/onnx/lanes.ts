/**
 * ONNX Runtime in several threads, each with single-threaded sessions: calls run concurrently, and each gives the same
 * bits as when it runs alone. Multi-threaded sessions are slower (docs/decisions/0002) and differ in the last bits.
 */
import { assert } from '../../../core/assert.ts';
import { emitOnnx } from '../../graph/emit.ts';
import type { Graph } from '../../graph/ir.ts';
import type { GraphRunner, Sums, Tensor } from '../graph-runner.ts';
import { Lane, type Model } from './lane.ts';
import { sessionConfig } from './session.ts';

const thread = new URL('./lane-thread.mjs', import.meta.url);

export class Lanes {
  readonly #all: readonly Lane[];
  readonly #free: Set<Lane>;
  readonly #waiting: ((lane: Lane) => void)[] = [];
  #graphCount = 0;

  constructor(count: number, entry: URL = thread) {
    this.#all = Array.from({ length: count }, () => new Lane(entry));
    this.#free = new Set(this.#all);
  }

  /** Compiles a graph. One lane loads it at once, which detects an invalid graph; the others load it on first use. */
  async compile(graph: Graph): Promise<GraphRunner> {
    const model: Model = {
      graph: this.#graphCount++,
      model: emitOnnx(graph),
      options: sessionConfig({ threadCount: 1 }),
    };
    await this.#with((lane) => lane.load(model));
    return {
      run: (inputs, into = new Map(), sums = noSums) =>
        this.#with(async (lane) => {
          for (const [name, { data }] of [...into, ...sums.tensors])
            assert(
              data.buffer instanceof SharedArrayBuffer,
              `${name} is written to memory that the lane does not share`,
            );
          await lane.load(model);
          const outputs = await lane.ask({ verb: 'run', graph: model.graph, inputs, into, sums: sums.tensors });
          await sums.turn;
          if (sums.tensors.size > 0) await lane.ask({ verb: 'add', isFirst: sums.isFirst });
          return outputs as Map<string, Tensor>;
        }),
      release: async () => {
        await Promise.all(this.#all.map((lane) => lane.release(model)));
      },
    };
  }

  /** Frees what the lanes keep for their next calls. */
  async trim(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.trim()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()));
  }

  /**
   * Runs `body` on the first free lane; waiting calls are served in order. Preferring the first lanes means that few
   * concurrent calls occupy the memory of few lanes.
   */
  async #with<T>(body: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = await this.#take();
    try {
      return await body(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.add(lane);
      else next(lane);
    }
  }

  #take(): Promise<Lane> {
    const lane = this.#all.find((each) => this.#free.delete(each));
    return lane === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(lane);
  }
}

const noSums: Sums = { tensors: new Map(), isFirst: false, turn: Promise.resolve() };

/** Memory that all threads read and write. */
export function sharedZeros(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
