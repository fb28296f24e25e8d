import type { LinearOp } from '../../../graph/op-row.ts';
import { type TfTensor, tf } from '../tf.ts';
import { type TfjsOps, broadcastTo, input } from '../tfjs-op.ts';

export const linearOps: TfjsOps<LinearOp> = {
  MatMul: (inputs) => batched(input(inputs, 0), input(inputs, 1), false, false),
  FusedMatMul: (inputs, { transA, transB, alpha }) => {
    const product = batched(input(inputs, 0), input(inputs, 1), transA === 1, transB === 1);
    return alpha === 1 ? product : tf.mul(product, alpha as number);
  },
  Gemm: (inputs, { transA, transB }) => {
    const product = tf.matMul(input(inputs, 0), input(inputs, 1), transA === 1, transB === 1);
    return inputs.length < 3 ? product : tf.add(product, input(inputs, 2));
  },
};

/**
 * Batched matrix product. tf.matMul cycles through the batches of the smaller operand, which is correct only if that
 * operand has all batches or one ([2, 1, ...] with [2, 3, ...] is wrong). Other operands are broadcast first.
 */
function batched(a: TfTensor, b: TfTensor, transA: boolean, transB: boolean): TfTensor {
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const size = (shape: readonly number[]): number => shape.reduce((x, y) => x * y, 1);
  const repeated = (x: TfTensor): TfTensor => {
    const own = size(x.shape.slice(0, -2));
    return own === 1 || own === size(batch) ? x : broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
  };
  return tf.matMul(repeated(a), repeated(b), transA, transB);
}
