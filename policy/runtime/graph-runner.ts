/**
 * Interface to compile and run a Graph, independent of the backend (ONNX Runtime or TensorFlow.js). Engines use only
 * these types, so the same tests compare both backends (test/policy/runtime).
 */
import type { ConstantData, DType, Graph } from '../graph/ir.ts';

/** Input or output of a graph: float32, int64 or bool data with its shape. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

/** One compiled graph. */
export interface GraphRunner {
  /**
   * Runs the graph. Tensors are keyed by the names of the graph's inputs and outputs.
   * @param into outputs to write to the caller's memory, which may be the memory of an input if the graph allows it. If
   *   the graph `keepsOutputs`, they are available to the next call at once, and to other readers after Runtime.settle
   */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    into?: ReadonlyMap<string, Tensor>,
    sums?: Sums,
  ): Promise<Map<string, Tensor>>;
  release(): Promise<void>;
}

/** float32 outputs that are added to the caller's memory instead of returned. A name without an output adds nothing. */
export interface Sums {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Whether this is the first summand, which overwrites the previous contents of the memory. */
  readonly isFirst: boolean;
  /** Resolves before anything is added, so that the caller fixes the order of the sum even for concurrent calls. */
  readonly turn: Promise<unknown>;
}

export const backendNames = ['onnxruntime', 'tfjs'] as const;
export type BackendName = (typeof backendNames)[number];

export interface RuntimeSettings {
  /**
   * onnxruntime on cpu: number of concurrent calls, each on its own thread; results do not depend on it. Other
   * providers of onnxruntime: threads per call. tfjs ignores it.
   */
  readonly threadCount: number;
  /** Default: `onnxruntime`. */
  readonly backend?: BackendName;
  /**
   * Execution provider of the backend. onnxruntime: cpu (default), webgpu, cuda. tfjs: tfjs-node-gpu, tfjs-node, wasm
   * or cpu (default: the first available one). One that is named but not available throws PROVIDER_UNAVAILABLE.
   */
  readonly executionProvider?: string;
}

/** The runtime in use, as recorded in step records and lineage. */
export interface RuntimeInfo {
  readonly backend: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly threadCount: number;
}

/** Copies outputs to the caller's memory, for a runtime that cannot write there itself. */
export function copyInto(outputs: ReadonlyMap<string, Tensor>, into: ReadonlyMap<string, Tensor>): void {
  for (const [name, { data }] of into) (data as Float32Array).set(outputs.get(name)?.data as Float32Array);
}

/** Adds outputs to the sums and removes them from `outputs`, for a runtime that cannot add itself. */
export async function addOutputs(outputs: Map<string, Tensor>, { tensors, isFirst, turn }: Sums): Promise<void> {
  await turn;
  for (const [name, { data }] of tensors) {
    const sum = data as Float32Array;
    const values = outputs.get(name)?.data as Float32Array | undefined;
    if (isFirst) sum.fill(0);
    if (values !== undefined) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
    outputs.delete(name);
  }
}

export interface CompileOptions {
  /** All outputs are written `into` memory that later calls take as input; those computed on a device stay there. */
  readonly keepsOutputs?: boolean;
}

export interface Runtime {
  readonly info: RuntimeInfo;
  /** Number of concurrent calls; default: 1. */
  readonly laneCount?: number;
  /**
   * Bytes of activations beyond which a training call gets no faster; default: no such bound. Large models fill a CPU's
   * kernels with few tokens, and further tokens only cost memory.
   */
  readonly callByteLengthMax?: number;
  compile(graph: Graph, options?: CompileOptions): Promise<GraphRunner>;
  /** Allocates zeros in memory shared by all lanes. With lanes, `into` and sums must use such memory. */
  readonly zeros?: (length: number) => Float32Array;
  /** Frees what is kept for the next calls. */
  trim?(): Promise<void>;
  /** Terminates the lanes, and the compiled graphs with them. */
  close?(): Promise<void>;
  /**
   * Copies outputs that calls left on a device to the caller's memory, which is required before anything else reads it.
   * Only for a runtime that keeps outputs on a device.
   */
  settle?(): Promise<void>;
  /** Releases all device copies, once no later call takes the memory that they mirror as input. */
  forget?(): void;
}
