/**
 * ONNX Runtime in several threads, each with sessions of one thread: calls run side by side, and each gives the bits that
 * it would give alone. Sessions with several threads each are slower (docs/decisions/0002) and have other last bits.
 */
import { assert } from '../../../core/assert.ts';
import { emitOnnx } from '../../graph/emit.ts';
import type { Graph } from '../../graph/ir.ts';
import type { CompileOptions, GraphRunner, Sums, Tensor } from '../graph-runner.ts';
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

  /** Loaded at once by one lane, which finds what is wrong with it, and by the others when they first run it. */
  async compile(graph: Graph, { givesMemoryBack = false }: CompileOptions = {}): Promise<GraphRunner> {
    const model: Model = {
      graph: this.#graphCount++,
      model: emitOnnx(graph),
      options: sessionConfig({ threadCount: 1, keepsMemory: !givesMemoryBack }),
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
          if (givesMemoryBack) await lane.ask({ verb: 'trim' });
          return outputs as Map<string, Tensor>;
        }),
      release: async () => {
        await Promise.all(this.#all.map((lane) => lane.release(model)));
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()));
  }

  /** Lanes are given in the order in which they are asked for, the first free one each time: few calls keep few lanes' memory. */
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

/** The same numbers in memory that all threads read and write. */
export function shared(values: Float32Array): Float32Array {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const copy = sharedZeros(values.length);
  copy.set(values);
  return copy;
}

export function sharedZeros(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
