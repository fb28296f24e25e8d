/** The only door to ONNX Runtime: sessions over emitted graphs, with the settings that make results repeatable. */
import * as ort from 'onnxruntime-node';
import type { ConstantData, DType } from '../graph/ir.ts';

/** float32, int64 or bool data with its shape; what goes in and comes out of a session. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

export interface SessionOptions {
  /** Pinned: one and two threads give different last bits. */
  readonly threadCount: number;
}

export class Session {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  static async create(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: options.threadCount,
      interOpNumThreads: 1,
      enableCpuMemArena: true,
      // Shapes change from step to step; a pattern planned for one would be wrong for the next.
      enableMemPattern: false,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    return new Session(session);
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  /** Runs to the end on this thread: call it only where nothing else must go on meanwhile. */
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

export const runtimeVersion: string = ort.env.versions.node ?? 'unknown';

function toRuntime(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
}

function fromRuntime(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as ConstantData };
}
