/**
 * Super-blocks of 256 values ("K-quants"): groups of 16 or 32 values have a scale of 4, 6 or 8 bits, which is a multiple
 * of the super-block's float16. Layout: ggml-common.h and ggml-quants.c of ggml (MIT). Each value equals that of the
 * Python package `gguf`: its products are exact in float64 and rounded once.
 */
import { type BlockType, byteAt, blocksOf, halfAt, signedAt } from './block-type.ts';

const valueCount = 256;

/** 16 bytes with a scale and a minimum of 4 bits a group, 64 of 2-bit values, the scales' unit, the minima's unit. */
export const q2K = blocksOf(valueCount, 84, (data, at, values, to) => {
  const unit = halfAt(data, at + 80);
  const minimumUnit = halfAt(data, at + 82);
  for (let i = 0; i < valueCount; i++) {
    const scales = byteAt(data, at + (i >> 4));
    values[to + i] = unit * (scales & 15) * twoBits(data, at + 16, i) - minimumUnit * (scales >> 4);
  }
});

/** 32 bytes of third bits (unset: 4 less), 64 of 2-bit values, 12 of 6-bit scales, the scales' unit. */
export const q3K = blocksOf(valueCount, 110, (data, at, values, to) => {
  const unit = halfAt(data, at + 108);
  for (let i = 0; i < valueCount; i++) {
    const isThirdBitSet = (byteAt(data, at + (i & 31)) >> (i >> 5)) & 1;
    const value = twoBits(data, at + 32, i) - (isThirdBitSet ? 0 : 4);
    values[to + i] = unit * (scaleOfQ3(data, at + 96, i >> 4) - 32) * value;
  }
});

/** The scales' and minima's units, 12 bytes of both in 6 bits, 128 of 4-bit values. */
export const q4K = groupsWithMinima(144, (data, at, group, i) => fourBits(data, at + 16, group, i));

/** As Q4_K, with 32 bytes of fifth bits before the values. */
export const q5K = groupsWithMinima(176, (data, at, group, i) => {
  const fifthBit = ((byteAt(data, at + 16 + i) >> group) & 1) << 4;
  return fourBits(data, at + 48, group, i) + fifthBit;
});

/** 128 bytes of lower four bits, 64 of upper two, 16 signed scales, their unit. */
export const q6K = blocksOf(valueCount, 210, (data, at, values, to) => {
  const unit = halfAt(data, at + 208);
  for (let i = 0; i < valueCount; i++) {
    // In each half of 128 values, 64 bytes hold the lower bits of values 64 places apart.
    const half = i >> 7;
    const lower = (byteAt(data, at + 64 * half + (i & 63)) >> ((i >> 4) & 4)) & 15;
    const upper = (byteAt(data, at + 128 + 32 * half + (i & 31)) >> ((i >> 4) & 6)) & 3;
    values[to + i] = unit * signedAt(data, at + 192 + (i >> 4)) * (lower + (upper << 4) - 32);
  }
});

/** Eight groups of 32 values, each with a scale and a minimum. */
function groupsWithMinima(
  byteLength: number,
  valueOf: (data: Uint8Array, at: number, group: number, i: number) => number,
): BlockType {
  return blocksOf(valueCount, byteLength, (data, at, values, to) => {
    const unit = halfAt(data, at);
    const minimumUnit = halfAt(data, at + 2);
    for (let group = 0; group < 8; group++) {
      const scale = unit * scaleOfGroup(data, at + 4, group);
      const minimum = minimumUnit * minimumOfGroup(data, at + 4, group);
      for (let i = 0; i < 32; i++) values[to + 32 * group + i] = scale * valueOf(data, at, group, i) - minimum;
    }
  });
}

/** In each half of 128 values, 32 bytes hold values 32 places apart. */
function twoBits(data: Uint8Array, at: number, i: number): number {
  return (byteAt(data, at + 32 * (i >> 7) + (i & 31)) >> ((i >> 4) & 6)) & 3;
}

/** A pair of groups shares 32 bytes: the first has the lower bits. */
function fourBits(data: Uint8Array, at: number, group: number, i: number): number {
  return (byteAt(data, at + 32 * (group >> 1) + i) >> (4 * (group & 1))) & 15;
}

/** Of 16 scales, 8 bytes hold the lower four bits and 4 the upper two. */
function scaleOfQ3(data: Uint8Array, at: number, group: number): number {
  const lower = (byteAt(data, at + (group & 7)) >> (4 * (group >> 3))) & 15;
  const upper = (byteAt(data, at + 8 + (group & 3)) >> (2 * (group >> 2))) & 3;
  return lower | (upper << 4);
}

/** The first four scales are the lower six bits of bytes 0 to 3; the others have their upper two bits above these. */
function scaleOfGroup(data: Uint8Array, at: number, group: number): number {
  if (group < 4) return byteAt(data, at + group) & 63;
  return (byteAt(data, at + 4 + group) & 15) | ((byteAt(data, at + group - 4) >> 6) << 4);
}

/** As the scales, in bytes 4 to 7 and the upper four bits of bytes 8 to 11. */
function minimumOfGroup(data: Uint8Array, at: number, group: number): number {
  if (group < 4) return byteAt(data, at + 4 + group) & 63;
  return (byteAt(data, at + 4 + group) >> 4) | ((byteAt(data, at + group) >> 6) << 4);
}
