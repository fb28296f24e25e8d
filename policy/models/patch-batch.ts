/**
 * Converts images of different sizes to data of the tower's inputs: the pixels and the position of each patch
 * (transformers, vision_utils.py and image_processing_pil_qwen2_vl.py).
 */
import { assert } from '../../core/assert.ts';
import type { ImageSize, PixelValues } from '../engine.ts';
import type { BatchedImage, ImageBatch, InputData } from './architecture.ts';
import { hidden } from './attention.ts';
import type { Qwen3VlVisionConfig } from './qwen3-vl/qwen3-vl-config.ts';

/** Row and column of a patch. */
interface Place {
  readonly row: number;
  readonly column: number;
}

/**
 * Inputs for I images of up to Q tokens, each of mergeSize^2 patches (for mergeSize 2: 4Q patches per image):
 * pixels float32 [I, Q, 4, channels*patch*patch]; patchBias float32 [I, 1, 1, 4Q], which masks padding; positionRows
 * int64 [I, 4Q, 4] and positionWeights float32 [I, 4Q, 4, 1], the four rows of the position table around each patch and
 * their weights; patchRows int64 [I, 4Q], each patch's row in patchCosine and patchSine float32 [I*4Q, headSize/2],
 * which hold the angles of its row, then those of its column.
 */
export function patchBatch(
  vision: Qwen3VlVisionConfig,
  images: readonly BatchedImage[],
  pixelCountMax: number,
): ImageBatch {
  const { patchSize, mergeSize, channelCount } = vision;
  const largest = Math.max(pixelCountMax, ...images.map(({ height, width }) => height * width));
  const tokenCount = Math.ceil(largest / (patchSize * mergeSize) ** 2);
  const patchCount = tokenCount * mergeSize ** 2;
  const patchLength = channelCount * patchSize ** 2;
  const half = vision.hiddenSize / vision.headCount / 2;
  const frequencies = frequenciesOf(vision.ropeTheta, half / 2);
  const cellCount = images.length * patchCount;
  const pixels = new Float32Array(cellCount * patchLength);
  const bias = new Float32Array(cellCount).fill(hidden);
  const rows = new BigInt64Array(4 * cellCount);
  const weights = new Float32Array(4 * cellCount);
  const cosine = new Float32Array(cellCount * half);
  const sine = new Float32Array(cellCount * half);
  images.forEach((image, index) => {
    const places = placesOf(image, vision);
    bias.fill(0, index * patchCount, index * patchCount + places.length);
    places.forEach((place, patch) => {
      const cell = index * patchCount + patch;
      if (hasPixels(image))
        copyPatch(image, place, patchSize, pixels.subarray(cell * patchLength, (cell + 1) * patchLength));
      interpolate(
        image,
        place,
        vision,
        rows.subarray(4 * cell, 4 * cell + 4),
        weights.subarray(4 * cell, 4 * cell + 4),
      );
      anglesOf(place, frequencies).forEach((angle, pair) => {
        cosine[cell * half + pair] = Math.cos(angle);
        sine[cell * half + pair] = Math.sin(angle);
      });
    });
  });
  const float32 = (data: Float32Array, ...shape: number[]): InputData => ({ dtype: 'float32', shape, data });
  const int64 = (data: BigInt64Array, ...shape: number[]): InputData => ({ dtype: 'int64', shape, data });
  const count = images.length;
  return {
    rowCountPerImage: tokenCount,
    inputs: new Map([
      ['pixels', float32(pixels, count, tokenCount, mergeSize ** 2, patchLength)],
      ['patchBias', float32(bias, count, 1, 1, patchCount)],
      ['positionRows', int64(rows, count, patchCount, 4)],
      ['positionWeights', float32(weights, count, patchCount, 4, 1)],
      [
        'patchRows',
        int64(
          BigInt64Array.from({ length: cellCount }, (_, cell) => BigInt(cell)),
          count,
          patchCount,
        ),
      ],
      ['patchCosine', float32(cosine, cellCount, half)],
      ['patchSine', float32(sine, cellCount, half)],
    ]),
  };
}

function hasPixels(image: BatchedImage): image is PixelValues {
  return image.data !== undefined;
}

/** Positions of the patches in order: token by token, and within a token row by row. */
function placesOf({ height, width }: ImageSize, { patchSize, mergeSize }: Qwen3VlVisionConfig): Place[] {
  const edge = patchSize * mergeSize;
  assert(height % edge === 0 && width % edge === 0, `${width}x${height} pixels are no whole tokens`);
  const columnCount = width / edge;
  return Array.from({ length: (height * width) / patchSize ** 2 }, (_, patch) => {
    const token = Math.floor(patch / mergeSize ** 2);
    const inside = patch % mergeSize ** 2;
    return {
      row: Math.floor(token / columnCount) * mergeSize + Math.floor(inside / mergeSize),
      column: (token % columnCount) * mergeSize + (inside % mergeSize),
    };
  });
}

/** Copies a patch's pixels as [channel, row, column]. */
function copyPatch({ data, height, width }: PixelValues, place: Place, size: number, to: Float32Array): void {
  for (let line = 0; line < to.length / size; line++) {
    const channel = Math.floor(line / size);
    const from = (channel * height + place.row * size + (line % size)) * width + place.column * size;
    to.set(data.subarray(from, from + size), line * size);
  }
}

/** Bilinear interpolation of the position table with aligned corners, in float32 as in transformers. */
function interpolate(
  { height, width }: ImageSize,
  { row, column }: Place,
  { patchSize, positionSide: side }: Qwen3VlVisionConfig,
  rows: BigInt64Array,
  weights: Float32Array,
): void {
  const vertical = taps(row, height / patchSize, side);
  const horizontal = taps(column, width / patchSize, side);
  vertical.forEach((y, i) => {
    horizontal.forEach((x, j) => {
      rows[2 * i + j] = BigInt(y.at * side + x.at);
      weights[2 * i + j] = y.weight * x.weight;
    });
  });
}

/** The two positions of the table around patch `index` of `count`, with their weights. */
function taps(index: number, count: number, side: number): readonly { readonly at: number; readonly weight: number }[] {
  const source = Math.fround((index * (side - 1)) / Math.max(1, count - 1));
  const before = Math.floor(source);
  return [before, before + 1].map((at) => ({
    at: Math.min(at, side - 1),
    weight: Math.max(0, Math.fround(1 - Math.abs(source - at))),
  }));
}

/** Radians per patch. */
function frequenciesOf(theta: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(1 / Math.fround(theta ** (i / count))));
}

/** Angles in radians: half of a head's pairs rotate by the row, half by the column. */
function anglesOf({ row, column }: Place, frequencies: readonly number[]): number[] {
  return [row, column].flatMap((at) => frequencies.map((frequency) => Math.fround(at * frequency)));
}
