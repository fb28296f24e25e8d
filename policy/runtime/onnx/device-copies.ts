/**
 * Device tensors that hold the newest values of the caller's memory: calls write them and later calls read them on the
 * device, until they are settled. This keeps weights and optimizer moments on the device between steps.
 */
import * as ort from 'onnxruntime-node';
import { identity } from '../../graph/build.ts';
import { emitOnnx } from '../../graph/emit.ts';
import { type ConstantData, Graph } from '../../graph/ir.ts';

/** The host memory that a device tensor mirrors, used as its key. */
type Memory = ConstantData;

interface Copy {
  readonly tensor: ort.Tensor;
  /** Whether the caller's memory has the same values. */
  isSettled: boolean;
}

export class DeviceCopies {
  readonly #executionProvider: string;
  readonly #copies = new Map<Memory, Copy>();
  readonly #readers = new Map<number, Promise<ort.InferenceSession>>();

  constructor(executionProvider: string) {
    this.#executionProvider = executionProvider;
  }

  find(memory: Memory): ort.Tensor | undefined {
    return this.#copies.get(memory)?.tensor;
  }

  /** Records the tensor as the newest value of the memory. */
  put(memory: Memory, tensor: ort.Tensor): void {
    this.find(memory)?.dispose();
    this.#copies.set(memory, { tensor, isSettled: false });
  }

  /** Copies values that only the device has to the caller's memory; the device copies stay. */
  async settle(): Promise<void> {
    for (const [memory, copy] of this.#copies) {
      if (copy.isSettled) continue;
      (memory as Float32Array).set((await this.#read(copy.tensor)) as Float32Array);
      copy.isSettled = true;
    }
  }

  /** Releases device memory; contents that were not copied back are lost. */
  forget(): void {
    for (const { tensor } of this.#copies.values()) tensor.dispose();
    this.#copies.clear();
  }

  /** Reads through an identity graph: reading a device tensor directly crashes the process (onnxruntime-node 1.30). */
  async #read(tensor: ort.Tensor): Promise<ort.Tensor['data']> {
    const rank = tensor.dims.length;
    const created = this.#readers.get(rank) ?? this.#readerOf(rank);
    this.#readers.set(rank, created);
    const { y } = await (await created).run({ x: tensor });
    return (y as ort.Tensor).data;
  }

  #readerOf(rank: number): Promise<ort.InferenceSession> {
    const g = new Graph('read');
    const shape = Array.from({ length: rank }, (_, axis) => `d${axis}`);
    g.output('y', identity(g, g.input('x', 'float32', shape)));
    return ort.InferenceSession.create(emitOnnx(g), {
      executionProviders: [this.#executionProvider],
      logSeverityLevel: 3,
    });
  }
}
