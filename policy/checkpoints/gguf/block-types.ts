/** The types of tensors in GGUF files that can be opened, by ggml's names for them. */
import type { Dtype } from '../../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../../artifacts/codecs/tensor-values.ts';
import type { BlockType } from './block-type.ts';
import { q2K, q3K, q4K, q5K, q6K } from './k-quants.ts';
import { q40, q41, q50, q51, q80 } from './quants.ts';

export const blockTypes: ReadonlyMap<string, BlockType> = new Map([
  ['F32', plain('F32', 4)],
  ['F16', plain('F16', 2)],
  ['BF16', plain('BF16', 2)],
  ['Q8_0', q80],
  ['Q4_0', q40],
  ['Q4_1', q41],
  ['Q5_0', q50],
  ['Q5_1', q51],
  ['Q2_K', q2K],
  ['Q3_K', q3K],
  ['Q4_K', q4K],
  ['Q5_K', q5K],
  ['Q6_K', q6K],
]);

function plain(dtype: Dtype, byteLength: number): BlockType {
  return { valueCount: 1, byteLength, decode: (data) => readFloat32({ dtype, shape: [], data }) };
}
