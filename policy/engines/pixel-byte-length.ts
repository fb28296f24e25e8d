import type { ImageSize } from '../engine.ts';

/** Bytes of images as an engine gets their pixels: float32 in three channels. */
export function pixelByteLength(images: readonly ImageSize[]): number {
  return images.reduce((sum, { height, width }) => sum + 12 * height * width, 0);
}
