import type { ReductionOp } from '../../../graph/op-row.ts';
import { type TfTensor, tf } from '../tf.ts';
import { type TfjsOp, type TfjsOps, input, integers } from '../tfjs-op.ts';

export const reductionOps: TfjsOps<ReductionOp> = {
  ReduceSum: reduction((x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduction((x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reduction((x, axes, keep) => tf.max(x, axes, keep)),
  ReduceSumSquare: reduction((x, axes, keep) => tf.sum(tf.mul(x, x), axes, keep)),
  ArgMax: (inputs, attributes) => {
    const x = input(inputs, 0);
    const axis = attributes['axis'] as number;
    return tf.expandDims(tf.argMax(x, axis), axis);
  },
  TopK: (inputs) => {
    const { values, indices } = tf.topk(input(inputs, 0), integers(inputs, 1)[0], true);
    return [values, indices];
  },
  CumSum: (inputs) => tf.cumsum(input(inputs, 0), integers(inputs, 1)[0]),
  Softmax: (inputs) => tf.softmax(input(inputs, 0)),
  LogSoftmax: (inputs) => tf.logSoftmax(input(inputs, 0)),
};

function reduction(rule: (x: TfTensor, axes: number[], keep: boolean) => TfTensor): TfjsOp {
  return (inputs, attributes) => rule(input(inputs, 0), integers(inputs, 1), attributes['keepdims'] === 1);
}
