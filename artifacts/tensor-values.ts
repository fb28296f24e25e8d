/** Numbers out of tensors and into them. Hosts are little-endian, as the format is (asserted). */
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import type { Tensor } from './safetensors.ts';

assert(new Uint8Array(new Uint16Array([1]).buffer)[0] === 1, 'this machine is big-endian');

/** The elements as float32; a view where the type and alignment allow it. Throws CHECKPOINT_UNSUPPORTED for integers. */
export function readFloat32({ dtype, data }: Tensor): Float32Array {
  if (dtype === 'F32') return new Float32Array(...alignedView(data, 4));
  if (dtype === 'F64') return Float32Array.from(new Float64Array(...alignedView(data, 8)));
  if (dtype !== 'F16' && dtype !== 'BF16') {
    throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'the tensor does not hold floating-point numbers', { found: dtype });
  }
  const halves = new Uint16Array(...alignedView(data, 2));
  const bits = new Uint32Array(halves.length);
  const widen = dtype === 'BF16' ? widenBfloat16 : widenHalf;
  for (let i = 0; i < halves.length; i++) bits[i] = widen(halves[i] ?? 0);
  return new Float32Array(bits.buffer);
}

/** An F32 tensor over the same memory. */
export function float32Tensor(values: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

function alignedView(data: Uint8Array, elementByteLength: number): [ArrayBufferLike, number, number] {
  const aligned = data.byteOffset % elementByteLength === 0 ? data : data.slice();
  return [aligned.buffer, aligned.byteOffset, aligned.byteLength / elementByteLength];
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(half: number): number {
  return half << 16;
}

/** The float32 bits of an IEEE half. */
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the fraction up until its leading one becomes the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
