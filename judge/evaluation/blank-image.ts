/** A blank image: mid-grey, of the displayed size of the image that it replaces. */
import sharp from 'sharp';

/** Encodes a blank PNG of the same size. Ingestion has already checked that `encoded` can be decoded. */
export async function blankImageLike(encoded: Uint8Array): Promise<Uint8Array> {
  const { width, height } = (await sharp(encoded).metadata()).autoOrient;
  const background = { r: 128, g: 128, b: 128 };
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}
