/**
 * What runs a Graph, whatever it runs on: ONNX Runtime or TensorFlow.js. Engines speak to these types alone, so the two
 * are held against each other by the same tests (test/policy/runtime).
 */
import type { ConstantData, DType, Graph } from '../graph/ir.ts';

/** float32, int64 or bool data with its shape; what goes in and comes out of a graph. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

/** One compiled graph. */
export interface GraphRunner {
  /**
   * Tensors by the names of the graph's inputs and outputs. Runs to the end on this thread.
   * @param into outputs that are written to memory of the caller's, which may be that of an input where the graph says so
   */
  run(inputs: ReadonlyMap<string, Tensor>, into?: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>>;
  release(): Promise<void>;
}

export const backendNames = ['onnxruntime', 'tfjs'] as const;
export type BackendName = (typeof backendNames)[number];

export interface RuntimeSettings {
  /** Pinned: one and two threads give different last bits. Backends that cannot be pinned say so in their info. */
  readonly threadCount: number;
  /** `onnxruntime` when left out. */
  readonly backend?: BackendName;
  /**
   * Where the backend computes. onnxruntime: cpu (when left out), webgpu, cuda. tfjs: tfjs-node-gpu, tfjs-node, wasm or
   * cpu; the first of these that is there when left out. One that is named and not there is PROVIDER_UNAVAILABLE.
   */
  readonly executionProvider?: string;
}

/** What computes, as step records and lineage keep it. */
export interface RuntimeInfo {
  readonly backend: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly threadCount: number;
}

/** Outputs into the caller's memory, for a runtime that cannot write there itself. */
export function copyInto(outputs: ReadonlyMap<string, Tensor>, into: ReadonlyMap<string, Tensor>): void {
  for (const [name, { data }] of into) (data as Float32Array).set(outputs.get(name)?.data as Float32Array);
}

export interface CompileOptions {
  /** Memory goes back behind every call, where a runtime would else keep it for the next: slower, and the same bits. */
  readonly givesMemoryBack?: boolean;
}

export interface Runtime {
  readonly info: RuntimeInfo;
  compile(graph: Graph, options?: CompileOptions): Promise<GraphRunner>;
}
