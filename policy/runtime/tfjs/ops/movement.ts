import type { MovementOp } from '../../../graph/op-row.ts';
import { type TfTensor, tf } from '../tf.ts';
import { type TfjsOps, broadcastTo, input, integers, wrapped } from '../tfjs-op.ts';

export const movementOps: TfjsOps<MovementOp> = {
  Reshape: (inputs) => {
    const x = input(inputs, 0);
    return tf.reshape(x, reshaped(x.shape, integers(inputs, 1)));
  },
  Transpose: (inputs, attributes) => tf.transpose(input(inputs, 0), [...(attributes['perm'] as readonly number[])]),
  Concat: (inputs, attributes) => concatenated(inputs, attributes['axis'] as number),
  Slice: (inputs) => {
    const x = input(inputs, 0);
    const [start, end, axis] = [1, 2, 3].map((index) => integers(inputs, index)[0]) as [number, number, number];
    return tf.slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((size, i) => (i === axis ? Math.min(end, size) - start : size)),
    );
  },
  Split: (inputs, attributes) => tf.split(input(inputs, 0), integers(inputs, 1), attributes['axis'] as number),
  Expand: (inputs) => {
    const x = input(inputs, 0);
    // Broadcasts both ways: a size of 1 in the target keeps the tensor's size.
    return broadcastTo(x, tf.broadcast_util.assertAndGetBroadcastShape(x.shape, integers(inputs, 1)));
  },
  Gather: (inputs, attributes) => {
    const [x, indices] = [input(inputs, 0), input(inputs, 1)];
    const axis = attributes['axis'] as number;
    const rows = tf.gather(x, tf.reshape(wrapped(indices, x.shape[axis] as number), [indices.size]), axis);
    return tf.reshape(rows, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
  },
  GatherElements: (inputs, attributes) => {
    const [x, indices] = [input(inputs, 0), input(inputs, 1)];
    const flat = flatPositions(indices, x.shape, attributes['axis'] as number);
    return tf.reshape(tf.gather(tf.reshape(x, [x.size]), flat), indices.shape);
  },
  ScatterElements: (inputs, attributes) => {
    const [base, indices, updates] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
    const flat = flatPositions(indices, base.shape, attributes['axis'] as number);
    // scatterND sums the updates of duplicate positions.
    const added = tf.scatterND(tf.reshape(flat, [flat.size, 1]), tf.reshape(updates, [updates.size]), [base.size]);
    return tf.add(base, tf.reshape(added, base.shape));
  },
  Shape: (inputs) => tf.tensor1d(input(inputs, 0).shape, 'int32'),
  ConstantOfShape: (inputs) => tf.zeros(integers(inputs, 0), 'float32'),
  // Not tf.oneHot: it rejects a depth of 1, and on wasm it writes the bits of integers when asked for float32.
  OneHot: (inputs) => {
    const depth = integers(inputs, 1)[0] as number;
    const indices = tf.expandDims(wrapped(input(inputs, 0), depth), -1);
    return tf.cast(tf.equal(indices, tf.range(0, depth, 1, 'int32')), 'float32');
  },
};

/** Target of ONNX Reshape: 0 keeps the axis, and one -1 is inferred by tf.reshape. */
function reshaped(shape: readonly number[], target: readonly number[]): number[] {
  return target.map((size, axis) => (size === 0 ? (shape[axis] ?? 0) : size));
}

/** Concatenates without empty tensors: tf.concat would give all tensors the dtype of an empty first one. */
function concatenated(inputs: readonly TfTensor[], axis: number): TfTensor {
  const filled = inputs.filter((tensor) => (tensor.shape[axis] ?? 0) > 0);
  return filled.length < 2 ? (filled[0] ?? input(inputs, 0)) : tf.concat(filled, axis);
}

/**
 * Row-major position of every element of `indices` in a tensor of `shape`: its own coordinates, except that the element
 * itself gives the coordinate along `axis`.
 */
function flatPositions(indices: TfTensor, shape: readonly number[], axisOrNegative: number): TfTensor {
  const axis = axisOrNegative < 0 ? axisOrNegative + shape.length : axisOrNegative;
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const offsets = new Int32Array(indices.size);
  for (let flat = 0; flat < indices.size; flat++) {
    let rest = flat;
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = indices.shape[i] as number;
      if (i !== axis) offsets[flat] = (offsets[flat] as number) + (rest % size) * (strides[i] as number);
      rest = Math.floor(rest / size);
    }
  }
  const along = tf.mul(wrapped(indices, shape[axis] as number), tf.scalar(strides[axis] as number, 'int32'));
  return tf.add(tf.reshape(along, [indices.size]), tf.tensor1d(offsets, 'int32'));
}
