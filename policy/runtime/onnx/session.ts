/** A graph in ONNX Runtime, with the settings that make results repeatable. */
import * as ort from 'onnxruntime-node';
import type { ConstantData, DType } from '../../graph/ir.ts';
import type { GraphRunner, Tensor } from '../graph-runner.ts';

export interface SessionOptions {
  /** Pinned: one and two threads give different last bits. */
  readonly threadCount: number;
  /** cpu when left out. What a provider has no kernel for runs on the CPU. */
  readonly executionProvider?: 'cpu' | 'webgpu' | 'cuda';
  /** ONNX Runtime's own log: 0 verbose (names the provider of every node) to 4. */
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

export class Session implements GraphRunner {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  static async create(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [options.executionProvider ?? 'cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: options.threadCount,
      interOpNumThreads: 1,
      enableCpuMemArena: true,
      // Shapes change from step to step; a pattern planned for one would be wrong for the next.
      enableMemPattern: false,
      graphOptimizationLevel: 'all',
      logSeverityLevel: options.logSeverityLevel ?? 3,
    });
    return new Session(session);
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  async run(inputs: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of inputs) feeds[name] = toRuntime(tensor);
    const results = await this.#session.run(feeds);
    return new Map(Object.entries(results).map(([name, tensor]) => [name, fromRuntime(tensor)]));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function toRuntime(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
}

function fromRuntime(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as ConstantData };
}
