/** Converts tensors to and from TensorFlow.js, which has no int64: integers become int32, larger ones are rejected. */
import { MtrlError } from '../../../core/errors.ts';
import type { DType } from '../../graph/ir.ts';
import type { Tensor } from '../graph-runner.ts';
import { type TfTensor, tf } from './tf.ts';

const int32Max = 2n ** 31n - 1n;

export function toTf({ dtype, shape, data }: Tensor): TfTensor {
  if (data instanceof BigInt64Array) return tf.tensor(narrowed(data), [...shape], 'int32');
  return dtype === 'bool' ? tf.tensor(data, [...shape], 'bool') : tf.tensor(data, [...shape], 'float32');
}

/** Copies the data: the backend reuses its memory once the tensor is disposed. */
export function fromTf(tensor: TfTensor, dtype: DType): Tensor {
  const data = tensor.dataSync();
  const copies = {
    float32: () => Float32Array.from(data),
    int64: () => BigInt64Array.from(data as Int32Array, BigInt),
    bool: () => Uint8Array.from(data),
  };
  return { dtype, shape: tensor.shape, data: copies[dtype]() };
}

function narrowed(data: BigInt64Array): Int32Array {
  return Int32Array.from(data, (value) => {
    if (value > int32Max || value < -int32Max - 1n)
      throw new MtrlError('GRAPH_INVALID', `${value} does not fit in int32`, {
        hint: 'the tfjs backend has no int64; use onnxruntime',
      });
    return Number(value);
  });
}
