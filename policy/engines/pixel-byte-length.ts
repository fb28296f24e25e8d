import type { ImageSize } from '../engine.ts';

/** Bytes of the images' pixels as passed to an engine: float32 in three channels. */
export function pixelByteLength(images: readonly ImageSize[]): number {
  return images.reduce((sum, { height, width }) => sum + 12 * height * width, 0);
}
