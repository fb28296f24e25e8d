/** Image filters over square float32 [size, size, 3] canvases; each returns a new canvas. */

/** One pass of a box blur of reach `reach` along an axis; pixels beyond the edge repeat the edge. */
function blurAxis(
  canvas: Float32Array,
  size: number,
  reach: number,
  pixelStride: number,
  lineStride: number,
): Float32Array {
  const out = new Float32Array(canvas.length);
  const width = 2 * reach + 1;
  for (let line = 0; line < size; line++) {
    for (let at = 0; at < size; at++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let offset = -reach; offset <= reach; offset++) {
          const from = Math.min(size - 1, Math.max(0, at + offset));
          sum += canvas[line * lineStride + from * pixelStride + channel] as number;
        }
        out[line * lineStride + at * pixelStride + channel] = sum / width;
      }
    }
  }
  return out;
}

/** Mean over a square of (2 reach + 1)^2 pixels, as two passes. */
export function blur(canvas: Float32Array, size: number, reach: number): Float32Array {
  const alongRows = blurAxis(canvas, size, reach, 3, size * 3);
  return blurAxis(alongRows, size, reach, size * 3, 3);
}

/** Mixes each pixel with the mean of its 4x4 block; strength 1 leaves only the blocks. */
export function blockify(canvas: Float32Array, size: number, strength: number): Float32Array {
  const block = 4;
  const out = new Float32Array(canvas.length);
  for (let top = 0; top < size; top += block) {
    for (let left = 0; left < size; left += block) {
      for (let channel = 0; channel < 3; channel++)
        mixBlock(canvas, out, size, block, (top * size + left) * 3 + channel, strength);
    }
  }
  return out;
}

function mixBlock(
  canvas: Float32Array,
  out: Float32Array,
  size: number,
  block: number,
  corner: number,
  strength: number,
): void {
  let sum = 0;
  for (let y = 0; y < block; y++) {
    for (let x = 0; x < block; x++) sum += canvas[corner + (y * size + x) * 3] as number;
  }
  const mean = sum / (block * block);
  for (let y = 0; y < block; y++) {
    for (let x = 0; x < block; x++) {
      const at = corner + (y * size + x) * 3;
      out[at] = (1 - strength) * (canvas[at] as number) + strength * mean;
    }
  }
}
