/** Images as files of the formats that servers take. */
import sharp from 'sharp';
import { decodeImage } from './rgb-image.ts';

/** A PNG or JPEG file as it is; an image of another format as a PNG file. Throws IMAGE_UNREADABLE. */
export async function asPngOrJpeg(encoded: Uint8Array): Promise<Uint8Array> {
  const { format } = await sharp(encoded)
    .metadata()
    .catch(() => ({ format: undefined }));
  if (format === 'png' || format === 'jpeg') return encoded;
  const { data, height, width } = await decodeImage(encoded);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
