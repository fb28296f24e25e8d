/** Implementation of one op in TensorFlow.js, where int64 is int32 (convert.ts). */
import type { Attributes } from '../../graph/ir.ts';
import type { OpName } from '../../graph/op-row.ts';
import { type TfTensor, tf } from './tf.ts';

/** Takes inputs in ONNX order and returns one tensor per output of the node. */
export type TfjsOp = (inputs: readonly TfTensor[], attributes: Attributes) => TfTensor | readonly TfTensor[];

export type TfjsOps<Names extends OpName> = { readonly [Name in Names]: TfjsOp };

export function input(inputs: readonly TfTensor[], index: number): TfTensor {
  const tensor = inputs[index];
  if (tensor === undefined) throw new Error(`no input ${index}`);
  return tensor;
}

/** Reads integers that determine a shape or an axis back to the host. */
export function integers(inputs: readonly TfTensor[], index: number): number[] {
  return Array.from(input(inputs, index).dataSync());
}

/** Wraps negative indices, which ONNX counts from the end and TensorFlow does not. */
export function wrapped(indices: TfTensor, size: number): TfTensor {
  return tf.where(tf.less(indices, tf.scalar(0, 'int32')), tf.add(indices, tf.scalar(size, 'int32')), indices);
}

/** tf.broadcastTo, extended to shapes without elements, which it rejects. */
export function broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor {
  return shape.includes(0) ? tf.tensor([], [...shape], x.dtype) : tf.broadcastTo(x, [...shape]);
}
