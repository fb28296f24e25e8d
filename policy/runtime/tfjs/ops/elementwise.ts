import type { ElementwiseOp } from '../../../graph/op-row.ts';
import { type TfTensor, tf } from '../tf.ts';
import { type TfjsOp, type TfjsOps, input } from '../tfjs-op.ts';

export const elementwiseOps: TfjsOps<ElementwiseOp> = {
  Add: binary((a, b) => tf.add(a, b)),
  Sub: binary((a, b) => tf.sub(a, b)),
  Mul: binary((a, b) => tf.mul(a, b)),
  Div: binary((a, b) => (a.dtype === 'int32' ? truncatedQuotient(a, b) : tf.div(a, b))),
  Min: binary((a, b) => tf.minimum(a, b)),
  Max: binary((a, b) => tf.maximum(a, b)),
  Neg: unary((x) => (x.dtype === 'int32' ? tf.sub(tf.scalar(0, 'int32'), x) : tf.neg(x))),
  Exp: unary((x) => tf.exp(x)),
  Log: unary((x) => tf.log(x)),
  Sqrt: unary((x) => tf.sqrt(x)),
  Reciprocal: unary((x) => tf.div(tf.scalar(1), x)),
  Sigmoid: unary((x) => tf.sigmoid(x)),
  Tanh: unary((x) => tf.tanh(x)),
  Erf: unary((x) => tf.erf(x)),
  Gelu: (inputs, attributes) =>
    attributes['approximate'] === 'tanh' ? geluByTanh(input(inputs, 0)) : geluByErf(input(inputs, 0)),
  Identity: unary((x) => x),
  Equal: binary((a, b) => tf.equal(asNumber(a), asNumber(b))),
  Less: binary((a, b) => tf.less(a, b)),
  LessOrEqual: binary((a, b) => tf.lessEqual(a, b)),
  Greater: binary((a, b) => tf.greater(a, b)),
  And: binary((a, b) => tf.logicalAnd(a, b)),
  Or: binary((a, b) => tf.logicalOr(a, b)),
  Not: unary((x) => tf.logicalNot(x)),
  Where: (inputs) => tf.where(input(inputs, 0), input(inputs, 1), input(inputs, 2)),
  Cast: (inputs, attributes) => {
    const to = attributes['to'] === 'int64' ? 'int32' : attributes['to'] === 'bool' ? 'bool' : 'float32';
    const x = input(inputs, 0);
    return to === 'bool' ? tf.notEqual(x, tf.scalar(0, x.dtype === 'int32' ? 'int32' : 'float32')) : tf.cast(x, to);
  },
};

function unary(rule: (x: TfTensor) => TfTensor): TfjsOp {
  return (inputs) => rule(input(inputs, 0));
}

function binary(rule: (a: TfTensor, b: TfTensor) => TfTensor): TfjsOp {
  return (inputs) => rule(input(inputs, 0), input(inputs, 1));
}

function asNumber(x: TfTensor): TfTensor {
  return x.dtype === 'bool' ? tf.cast(x, 'int32') : x;
}

/** Integer division: ONNX truncates towards zero, TensorFlow floors. */
function truncatedQuotient(a: TfTensor, b: TfTensor): TfTensor {
  const zero = tf.scalar(0, 'int32');
  const isNegative = tf.logicalXor(tf.less(a, zero), tf.less(b, zero));
  const absolute = (x: TfTensor): TfTensor => tf.maximum(x, tf.sub(zero, x));
  const quotient = tf.floorDiv(absolute(a), absolute(b));
  return tf.where(isNegative, tf.sub(zero, quotient), quotient);
}

function geluByTanh(x: TfTensor): TfTensor {
  const inner = tf.mul(tf.mul(x, Math.sqrt(2 / Math.PI)), tf.add(tf.mul(tf.mul(x, x), 0.044715), 1));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** TensorFlow.js approximates erf to 1.5e-7 (Abramowitz and Stegun 7.1.26) on its cpu backend. */
function geluByErf(x: TfTensor): TfTensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
