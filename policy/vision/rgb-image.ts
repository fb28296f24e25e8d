/** Decodes image files to pixels like `load_image` of transformers: upright, RGB, 8 bits, alpha dropped. */
import sharp from 'sharp';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import type { ImageSize } from '../engine.ts';
import { decodeGif, isGif } from './gif.ts';

/** Decoded pixels: uint8 [height, width, 3]. */
export interface RgbImage extends ImageSize {
  readonly data: Uint8Array;
}

/**
 * Decodes PNG, JPEG, WebP, GIF (first frame), TIFF and AVIF. One difference from Pillow: 16-bit grey keeps its high
 * byte, as 16-bit colour does in both, while Pillow clips it to white. Throws IMAGE_UNREADABLE.
 */
export async function decodeImage(encoded: Uint8Array, where = 'image'): Promise<RgbImage> {
  try {
    if (isGif(encoded)) return decodeGif(encoded);
    // Pillow does not apply colour profiles, so they are ignored here as well.
    const image = sharp(encoded, { ignoreIcc: true }).autoOrient();
    const isInk = (await image.metadata()).space === 'cmyk';
    const converted = isInk
      ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
      : image.removeAlpha().toColourspace('srgb');
    const { data, info } = await converted.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== (isInk ? 4 : 3)) throw new Error(`${String(info.channels)} channels after conversion`);
    return { data: isInk ? rgbOfInk(data) : data, height: info.height, width: info.width };
  } catch (cause) {
    throw unreadable(encoded, where, cause);
  }
}

/** Height and width of the result of `decodeImage`, from the file's header only. Throws IMAGE_UNREADABLE. */
export async function imageSizeOf(encoded: Uint8Array): Promise<ImageSize> {
  try {
    const { height, width } = (await sharp(encoded).metadata()).autoOrient;
    return { height, width };
  } catch (cause) {
    throw unreadable(encoded, `image ${sha256(encoded)}`, cause);
  }
}

function unreadable(encoded: Uint8Array, where: string, cause: unknown): MtrlError {
  return new MtrlError('IMAGE_UNREADABLE', 'the image cannot be decoded', {
    where,
    found: `${cause instanceof Error ? cause.message : String(cause)} (${String(encoded.byteLength)} bytes)`,
    hint: 'it must be a complete PNG, JPEG, WebP, GIF, TIFF or AVIF file',
    cause,
  });
}

/**
 * Converts CMYK to RGB without a print profile: (255 - K) (255 - ink) / 255 in Pillow's integers
 * (src/libImaging/Convert.c, cmyk2rgb).
 */
function rgbOfInk(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - (inks[from + 3] ?? 0);
    for (let ink = 0; ink < 3; ink++) {
      const product = (inks[from + ink] ?? 0) * light + 128;
      rgb[to++] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
  return rgb;
}
