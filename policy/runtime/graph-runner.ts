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
   * Tensors by the names of the graph's inputs and outputs.
   * @param into outputs that are written to memory of the caller's, which may be that of an input where the graph says so;
   *   of a graph that `keepsOutputs` they are there for the next call at once, and for others after Runtime.settle
   */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    into?: ReadonlyMap<string, Tensor>,
    sums?: Sums,
  ): Promise<Map<string, Tensor>>;
  release(): Promise<void>;
}

/** Outputs, float32, that are added to memory of the caller's and not returned; what the graph has no output for adds nothing. */
export interface Sums {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The first summand: previous contents of the memory are overwritten. */
  readonly isFirst: boolean;
  /** Nothing is added before: where calls run side by side, the order of the sum is still the caller's. */
  readonly turn: Promise<unknown>;
}

export const backendNames = ['onnxruntime', 'tfjs'] as const;
export type BackendName = (typeof backendNames)[number];

export interface RuntimeSettings {
  /**
   * onnxruntime on the cpu: calls that run side by side, each on a thread of its own, which changes no bit. Its other
   * providers: threads of one call. tfjs has its own way.
   */
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

/** For a runtime that does not add itself. */
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
  /** Memory goes back behind every call, where a runtime would else keep it for the next: slower, and the same bits. */
  readonly givesMemoryBack?: boolean;
  /** All outputs are written `into` memory that later calls take as input: where they are computed on a device, they stay there. */
  readonly keepsOutputs?: boolean;
}

export interface Runtime {
  readonly info: RuntimeInfo;
  /** Calls that it runs side by side: 1 when left out. */
  readonly laneCount?: number;
  compile(graph: Graph, options?: CompileOptions): Promise<GraphRunner>;
  /** The same numbers in memory that all lanes read, and write: outputs go `into` no other, and are added to no other. */
  share?(values: Float32Array): Float32Array;
  /** Zeros in such memory. */
  readonly zeros?: (length: number) => Float32Array;
  /** Ends the lanes; compiled graphs end with them. */
  close?(): Promise<void>;
  /**
   * Only of a runtime that keeps outputs on a device: writes to the caller's memory what calls have left for it there,
   * which must come before anything else reads it.
   */
  settle?(): Promise<void>;
  /** Gives back what the device holds for memory that no call will take again. */
  forget?(): void;
}
