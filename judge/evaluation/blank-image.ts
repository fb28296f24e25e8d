/** An empty picture: mid-grey, of the size of the displayed image that it replaces. */
import sharp from 'sharp';

/** PNG. `encoded` has been decoded at ingestion. */
export async function blankImageLike(encoded: Uint8Array): Promise<Uint8Array> {
  const { width, height } = (await sharp(encoded).metadata()).autoOrient;
  const background = { r: 128, g: 128, b: 128 };
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}
