/** Conversion between tensors and arrays of numbers. The host must be little-endian, as the format is (asserted). */
import { assert } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Tensor } from './safetensors.ts';
import type { TensorInFile } from './safetensors-file.ts';

assert(new Uint8Array(new Uint16Array([1]).buffer)[0] === 1, 'this machine is big-endian');

/** The elements as float32: a view if dtype and alignment allow it. Throws CHECKPOINT_UNSUPPORTED for integers. */
export function readFloat32({ dtype, data }: Tensor): Float32Array {
  if (dtype === 'F32') return new Float32Array(...alignedView(data, 4));
  if (dtype === 'F64') return Float32Array.from(new Float64Array(...alignedView(data, 8)));
  if (dtype !== 'F16' && dtype !== 'BF16') {
    throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'the tensor is not of a floating-point type', { found: dtype });
  }
  const halves = new Uint16Array(...alignedView(data, 2));
  const bits = new Uint32Array(halves.length);
  widenTo(bits, halves, dtype);
  return new Float32Array(bits.buffer);
}

/** Reads the elements as float32 to memory of as many, and needs no more for F32, F16, BF16. Throws like readFloat32. */
export async function readFloat32To(values: Float32Array, { dtype, shape, data }: TensorInFile): Promise<void> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === 'F32') {
    await data(bytes);
    return;
  }
  if (dtype !== 'F16' && dtype !== 'BF16') {
    values.set(readFloat32({ dtype, shape, data: await data() }));
    return;
  }
  // Widened from the first on, they never reach those that are still to be read.
  const half = await data(bytes.subarray(bytes.byteLength / 2));
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  widenTo(bits, new Uint16Array(half.buffer, half.byteOffset, values.length), dtype);
}

function widenTo(bits: Uint32Array, halves: Uint16Array, dtype: 'F16' | 'BF16'): void {
  const widen = dtype === 'BF16' ? widenBfloat16 : widenHalf;
  for (let i = 0; i < halves.length; i++) bits[i] = widen(halves[i] as number);
}

/** An F32 tensor over the same memory. */
export function float32Tensor(values: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

export interface Narrowed {
  readonly data: Uint8Array;
  /** Number of finite values that became infinite. */
  readonly overflowCount: number;
}

/** Converts values to a dtype, rounding to nearest, ties to even (IEEE 754). */
export function narrow(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Narrowed {
  if (dtype === 'F32') return { data: float32Tensor(values, []).data, overflowCount: 0 };
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrowOne = dtype === 'BF16' ? narrowToBfloat16 : narrowToHalf;
  const infinity = dtype === 'BF16' ? 0x7f80 : 0x7c00;
  const halves = new Uint16Array(values.length);
  let overflowCount = 0;
  for (let i = 0; i < halves.length; i++) {
    const half = narrowOne(bits[i] as number);
    halves[i] = half;
    if ((half & 0x7fff) === infinity && Number.isFinite(values[i])) overflowCount++;
  }
  return { data: new Uint8Array(halves.buffer), overflowCount };
}

/** The upper half of the float32 bits, rounded; NaN stays NaN. */
function narrowToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and above become infinite: 65520 is halfway between the largest finite half (65504) and 2^16.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  const exponent = magnitude >>> 23;
  // Normal: drops 13 bits of the fraction. Subnormal: makes the implicit bit explicit, and drops one more bit for each
  // step below the smallest normal exponent.
  if (exponent >= 113) return sign | roundOff(magnitude - (112 << 23), 13);
  return exponent < 102 ? sign : sign | roundOff((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** value / 2^count, rounded to nearest, ties to even. */
function roundOff(value: number, count: number): number {
  const half = 2 ** (count - 1);
  const isOdd = Math.floor(value / 2 ** count) & 1;
  return Math.floor((value + half - 1 + isOdd) / 2 ** count);
}

function alignedView(data: Uint8Array, elementByteLength: number): [ArrayBufferLike, number, number] {
  const aligned = data.byteOffset % elementByteLength === 0 ? data : new Uint8Array(data);
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
  // Subnormal: shift the fraction left until its leading one becomes the implicit bit.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
