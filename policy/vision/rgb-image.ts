/** Pixels out of encoded image files, as `load_image` of transformers sees them: upright, RGB, 8 bits, alpha dropped. */
import sharp from 'sharp';
import { MtrlError } from '../../core/errors.ts';

/** uint8 [height, width, 3]. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** PNG, JPEG, WebP, GIF (first frame), TIFF, AVIF. Throws IMAGE_UNREADABLE. */
export async function decodeImage(encoded: Uint8Array, where = 'image'): Promise<RgbImage> {
  try {
    // Pillow leaves colour profiles alone, so they are ignored here as well.
    const image = sharp(encoded, { ignoreIcc: true }).autoOrient().removeAlpha().toColourspace('srgb');
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${String(info.channels)} channels after conversion to RGB`);
    return { data, height: info.height, width: info.width };
  } catch (cause) {
    throw new MtrlError('IMAGE_UNREADABLE', 'the image cannot be decoded', {
      where,
      found: `${cause instanceof Error ? cause.message : String(cause)} (${String(encoded.byteLength)} bytes)`,
      hint: 'it must be a whole PNG, JPEG, WebP, GIF, TIFF or AVIF file',
      cause,
    });
  }
}
