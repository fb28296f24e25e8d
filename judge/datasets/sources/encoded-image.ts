/** Encoded images of a dataset: rejected if too large, decoded once to check that they are complete, hashed. */
import sharp, { type Sharp } from 'sharp';
import { sha256 } from '../../../core/json.ts';
import { smallerPlainJpeg } from './plain-jpeg.ts';
import { UnusableRow, type TakenImage } from '../reading.ts';

// every image is decoded once, so a cache of libvips would never be hit
sharp.cache(false);

/** Larger images are rejected before decoding. */
const pixelCountMax = 64 * 1024 * 1024;
export const imageByteLengthMax = 64 * 1024 * 1024;

/** The accepted formats; others that the library supports (SVG, PDF) may load further files. */
const signatures: readonly (readonly [string, RegExp])[] = [
  ['jpeg', /^\xff\xd8\xff/],
  ['png', /^\x89PNG\r\n[^]\n/],
  ['gif', /^GIF8[79]a/],
  ['webp', /^RIFF[^]{4}WEBP/],
  ['tiff', /^(?:II\*\0|MM\0\*)/],
  ['avif', /^[^]{4}ftyp(?:avif|avis|mif1|heic)/],
];

function formatOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.byteLength)).toString('latin1');
  return signatures.find(([, pattern]) => pattern.test(start))?.[0];
}

/** Whether the first bytes are those of an accepted format. */
export const startsLikeImage = (bytes: Uint8Array): boolean => formatOf(bytes) !== undefined;

function refuse(code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE', name: string, reason: string): never {
  throw new UnusableRow(code, `${name}: ${reason}`);
}

/** Awaits work of the library, whose errors become IMAGE_UNREADABLE. */
async function attempt<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    return refuse(
      'IMAGE_UNREADABLE',
      name,
      (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' '),
    );
  }
}

/**
 * Encodes a smaller copy, upright: JPEG and CMYK images, which PNG does not support, as JPEG; all others as PNG. Pixel
 * values keep their meaning: CMYK stays CMYK, and no colour profile is applied, since models are shown images that way.
 * Huffman tables optimized per image would save 4 % of the bytes and cost a fifth of the time.
 */
function smaller(image: Sharp, format: string, space: string, edgeMax: number): Promise<Uint8Array> {
  const isInk = space === 'cmyk';
  const upright = (isInk ? image.pipelineColourspace(space).toColourspace(space) : image)
    .autoOrient()
    .resize({ width: edgeMax, height: edgeMax, fit: 'inside', withoutEnlargement: true });
  const jpeg = { quality: 95, chromaSubsampling: '4:4:4', optimiseCoding: false } as const;
  return (format === 'jpeg' || isInk ? upright.jpeg(jpeg) : upright.png()).toBuffer();
}

/** Decodes every row of pixels and discards the result: a header alone does not show that a file is complete. */
function decodeAll(image: Sharp): Promise<unknown> {
  return image.resize(8, 8, { fit: 'fill' }).raw().toBuffer();
}

/**
 * The digest and bytes of the image, unchanged or, if its longer side is more than `edgeMax` pixels, of a smaller copy.
 * UnusableRow IMAGE_UNREADABLE or IMAGE_TOO_LARGE, naming the image.
 */
export async function takeImage(bytes: Uint8Array, name: string, edgeMax = Infinity): Promise<TakenImage> {
  if (bytes.byteLength === 0) refuse('IMAGE_UNREADABLE', name, 'the file is empty');
  if (bytes.byteLength > imageByteLengthMax)
    refuse('IMAGE_TOO_LARGE', name, `${bytes.byteLength} bytes, more than ${imageByteLengthMax}`);
  const format = formatOf(bytes) ?? refuse('IMAGE_UNREADABLE', name, 'neither JPEG, PNG, WebP, GIF, TIFF nor AVIF');
  const plain = format === 'jpeg' ? await smallerPlainJpeg(bytes, edgeMax) : undefined;
  if (plain !== undefined) return { sha256: sha256(plain), bytes: plain };
  // the limit is checked below, where the error can state the size
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
  const { width, height, space } = await attempt(name, image.metadata());
  if (width * height > pixelCountMax)
    refuse('IMAGE_TOO_LARGE', name, `${width} x ${height} pixels, more than ${pixelCountMax} in all`);
  if (Math.max(width, height) > edgeMax) {
    const copy = await attempt(name, smaller(image, format, space, edgeMax));
    return { sha256: sha256(copy), bytes: copy };
  }
  await attempt(name, decodeAll(image));
  return { sha256: sha256(bytes), bytes };
}
