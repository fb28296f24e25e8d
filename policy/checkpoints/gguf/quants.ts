/**
 * Blocks of 32 values with one scale, and for the types that end in 1 a minimum. Of two values in a byte, the lower four
 * bits hold the earlier, 16 places before the other; the fifth bits of Q5 follow in four bytes. Layout: ggml-common.h of
 * ggml (MIT). Each value equals that of the Python package `gguf`: its product is exact in float64 and rounded once.
 */
import { byteAt, blocksOf, halfAt, signedAt } from './block-type.ts';

const valueCount = 32;
const half = valueCount / 2;

export const q40 = blocksOf(valueCount, 18, (data, at, values, to) => {
  const scale = halfAt(data, at);
  for (let i = 0; i < half; i++) {
    const pair = byteAt(data, at + 2 + i);
    values[to + i] = scale * ((pair & 15) - 8);
    values[to + half + i] = scale * ((pair >> 4) - 8);
  }
});

export const q41 = blocksOf(valueCount, 20, (data, at, values, to) => {
  const scale = halfAt(data, at);
  const minimum = halfAt(data, at + 2);
  for (let i = 0; i < half; i++) {
    const pair = byteAt(data, at + 4 + i);
    values[to + i] = scale * (pair & 15) + minimum;
    values[to + half + i] = scale * (pair >> 4) + minimum;
  }
});

export const q50 = blocksOf(valueCount, 22, (data, at, values, to) => {
  const scale = halfAt(data, at);
  for (let i = 0; i < half; i++) {
    const pair = byteAt(data, at + 6 + i);
    values[to + i] = scale * ((pair & 15) + fifthBit(data, at + 2, i) - 16);
    values[to + half + i] = scale * ((pair >> 4) + fifthBit(data, at + 2, half + i) - 16);
  }
});

export const q51 = blocksOf(valueCount, 24, (data, at, values, to) => {
  const scale = halfAt(data, at);
  const minimum = halfAt(data, at + 2);
  for (let i = 0; i < half; i++) {
    const pair = byteAt(data, at + 8 + i);
    values[to + i] = scale * ((pair & 15) + fifthBit(data, at + 4, i)) + minimum;
    values[to + half + i] = scale * ((pair >> 4) + fifthBit(data, at + 4, half + i)) + minimum;
  }
});

export const q80 = blocksOf(valueCount, 34, (data, at, values, to) => {
  const scale = halfAt(data, at);
  for (let i = 0; i < valueCount; i++) values[to + i] = scale * signedAt(data, at + 2 + i);
});

/** 16 if bit `index` of the bytes from `at` on is set. */
function fifthBit(data: Uint8Array, at: number, index: number): number {
  return ((byteAt(data, at + (index >> 3)) >> (index & 7)) & 1) << 4;
}
