/** What one op does in TensorFlow.js. int64 is int32 there; see convert.ts. */
import type { Attributes } from '../../graph/ir.ts';
import type { OpName } from '../../graph/op-row.ts';
import { type TfTensor, tf } from './tf.ts';

/** Inputs as ONNX orders them; as many tensors as the node has outputs. */
export type TfjsOp = (inputs: readonly TfTensor[], attributes: Attributes) => TfTensor | readonly TfTensor[];

export type TfjsOps<Names extends OpName> = { readonly [Name in Names]: TfjsOp };

export function input(inputs: readonly TfTensor[], index: number): TfTensor {
  const tensor = inputs[index];
  if (tensor === undefined) throw new Error(`no input ${index}`);
  return tensor;
}

/** Whole numbers that decide a shape or an axis: they are read back to the host. */
export function integers(inputs: readonly TfTensor[], index: number): number[] {
  return Array.from(input(inputs, index).dataSync());
}

/** ONNX counts negative indices from the end; TensorFlow does not. */
export function wrapped(indices: TfTensor, size: number): TfTensor {
  return tf.where(tf.less(indices, tf.scalar(0, 'int32')), tf.add(indices, tf.scalar(size, 'int32')), indices);
}

/** broadcastTo refuses shapes without elements. */
export function broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor {
  return shape.includes(0) ? tf.tensor([], [...shape], x.dtype) : tf.broadcastTo(x, [...shape]);
}
