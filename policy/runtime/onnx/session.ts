/** A graph in ONNX Runtime, with the settings that make results repeatable. */
import * as ort from 'onnxruntime-node';
import type { ConstantData, DType } from '../../graph/ir.ts';
import { type GraphRunner, type Tensor, copyInto } from '../graph-runner.ts';

export interface SessionOptions {
  /** Pinned: one and two threads give different last bits. */
  readonly threadCount: number;
  /** cpu when left out. What a provider has no kernel for runs on the CPU. */
  readonly executionProvider?: 'cpu' | 'webgpu' | 'cuda';
  /** An arena holds what a call has used for the next one. */
  readonly keepsMemory?: boolean;
  /** ONNX Runtime's own log: 0 verbose (names the provider of every node) to 4. */
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

export class Session implements GraphRunner {
  readonly #session: ort.InferenceSession;

  /** On a device, outputs are copied from there. */
  readonly #writesInto: boolean;

  private constructor(session: ort.InferenceSession, writesInto: boolean) {
    this.#session = session;
    this.#writesInto = writesInto;
  }

  static async create(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [options.executionProvider ?? 'cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: options.threadCount,
      interOpNumThreads: 1,
      enableCpuMemArena: options.keepsMemory ?? true,
      // Shapes change from step to step; a pattern planned for one would be wrong for the next.
      enableMemPattern: false,
      graphOptimizationLevel: 'all',
      logSeverityLevel: options.logSeverityLevel ?? 3,
    });
    return new Session(session, (options.executionProvider ?? 'cpu') === 'cpu');
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  async run(
    inputs: ReadonlyMap<string, Tensor>,
    into: ReadonlyMap<string, Tensor> = new Map(),
  ): Promise<Map<string, Tensor>> {
    const feeds = allToRuntime(inputs);
    const results = await (this.#writesInto && into.size > 0
      ? this.#session.run(feeds, this.#fetches(into))
      : this.#session.run(feeds));
    const outputs = new Map(Object.entries(results).map(([name, tensor]) => [name, fromRuntime(tensor)]));
    if (!this.#writesInto) copyInto(outputs, into);
    return outputs;
  }

  /** null: the runtime's own memory. */
  #fetches(into: ReadonlyMap<string, Tensor>): Record<string, ort.Tensor | null> {
    const own = this.#session.outputNames.map((name): [string, null] => [name, null]);
    return { ...Object.fromEntries(own), ...allToRuntime(into) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function allToRuntime(tensors: ReadonlyMap<string, Tensor>): Record<string, ort.Tensor> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, toRuntime(tensor)]));
}

function toRuntime(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
}

function fromRuntime(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as ConstantData };
}
