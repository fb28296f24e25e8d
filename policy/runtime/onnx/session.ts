/** An ONNX Runtime session of a graph, with the settings that make results reproducible. */
import * as ort from 'onnxruntime-node';
import { assert } from '../../../core/assert.ts';
import type { ConstantData, DType } from '../../graph/ir.ts';
import { type GraphRunner, type Sums, type Tensor, addOutputs, copyInto } from '../graph-runner.ts';
import type { DeviceCopies } from './device-copies.ts';

export interface SessionOptions {
  /** Threads per call. Pinned: one and two threads give different last bits. */
  readonly threadCount: number;
  /** Default: cpu. Ops for which a provider has no kernel run on the CPU. */
  readonly executionProvider?: 'cpu' | 'webgpu' | 'cuda';
  /** Device copies of memory that is given as input. */
  readonly copies?: DeviceCopies;
  /** Keep outputs on the device as such copies. */
  readonly keepsOutputs?: boolean;
  /** ONNX Runtime's own log: 0 verbose (names the provider of every node) to 4. */
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

export class Session implements GraphRunner {
  readonly #session: ort.InferenceSession;
  /** Whether the runtime writes outputs to the caller's memory itself (cpu only). */
  readonly #writesInto: boolean;
  readonly #copies: DeviceCopies | undefined;
  readonly #keepsOutputs: boolean;

  private constructor(session: ort.InferenceSession, options: SessionOptions) {
    this.#session = session;
    this.#writesInto = (options.executionProvider ?? 'cpu') === 'cpu';
    this.#copies = options.copies;
    this.#keepsOutputs = options.copies !== undefined && options.keepsOutputs === true;
  }

  static async create(model: Uint8Array, options: SessionOptions): Promise<Session> {
    return new Session(await ort.InferenceSession.create(model, sessionConfig(options)), options);
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  async run(
    inputs: ReadonlyMap<string, Tensor>,
    into: ReadonlyMap<string, Tensor> = new Map(),
    sums?: Sums,
  ): Promise<Map<string, Tensor>> {
    const feeds = this.#feeds(inputs);
    const results = await (this.#writesInto && into.size > 0
      ? this.#session.run(feeds, this.#fetches(into))
      : this.#session.run(feeds));
    if (this.#keepsOutputs) return this.#keep(results, into);
    const outputs = new Map(Object.entries(results).map(([name, tensor]) => [name, fromRuntime(tensor)]));
    if (!this.#writesInto) copyInto(outputs, into);
    if (sums !== undefined) await addOutputs(outputs, sums);
    return outputs;
  }

  #feeds(inputs: ReadonlyMap<string, Tensor>): Record<string, ort.Tensor> {
    const feeds = [...inputs].map(([name, tensor]) => [name, this.#copies?.find(tensor.data) ?? toRuntime(tensor)]);
    return Object.fromEntries(feeds) as Record<string, ort.Tensor>;
  }

  /** Keeps all outputs on the device and returns an empty map. */
  #keep(results: ort.InferenceSession.OnnxValueMapType, into: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    for (const [name, tensor] of Object.entries(results)) {
      const target = into.get(name);
      assert(target !== undefined, `an output that is kept is written into the caller's memory: ${name}`);
      this.#copies?.put(target.data, tensor);
    }
    return new Map();
  }

  /** Output tensors by name; null for outputs in memory that the runtime allocates. */
  #fetches(into: ReadonlyMap<string, Tensor>): Record<string, ort.Tensor | null> {
    const own = this.#session.outputNames.map((name): [string, null] => [name, null]);
    const given = [...into].map(([name, tensor]): [string, ort.Tensor] => [name, toRuntime(tensor)]);
    return { ...Object.fromEntries(own), ...Object.fromEntries(given) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

export type SessionConfig = ort.InferenceSession.SessionOptions;

export function sessionConfig(options: SessionOptions): SessionConfig {
  return {
    executionProviders: [options.executionProvider ?? 'cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: options.threadCount,
    interOpNumThreads: 1,
    // An arena keeps the memory of its graph's largest call, which no other graph can use.
    enableCpuMemArena: false,
    // Shapes change from step to step; a pattern planned for one would be wrong for the next.
    enableMemPattern: false,
    graphOptimizationLevel: 'all',
    logSeverityLevel: options.logSeverityLevel ?? 3,
    ...(options.keepsOutputs === true && { preferredOutputLocation: 'gpu-buffer' }),
  };
}

function toRuntime(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
}

function fromRuntime(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as ConstantData };
}
