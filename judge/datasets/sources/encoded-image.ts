/** Encoded images as a dataset brings them: refused when too large, decoded once to see that they are whole, hashed. */
import sharp, { type Sharp } from 'sharp';
import { sha256 } from '../../../core/json.ts';
import { smallerPlainJpeg } from './plain-jpeg.ts';
import { UnusableRow, type TakenImage } from '../reading.ts';

// every image is decoded once: what libvips remembers of one is of no use to the next
sharp.cache(false);

/** Larger pictures are refused before they are decoded. */
const pixelCountMax = 64 * 1024 * 1024;
export const imageByteLengthMax = 64 * 1024 * 1024;

/** Other formats that the library knows (SVG, PDF) may reach for files of their own. */
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

function refuse(code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE', name: string, reason: string): never {
  throw new UnusableRow(code, `${name}: ${reason}`);
}

/** What the library makes of the bytes; its refusals are the row's. */
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
 * A smaller copy, upright: JPEG stays JPEG, as do print colours, which PNG has not; everything else becomes PNG. Its numbers mean what they meant: print colours
 * stay so, and no profile is applied, since models are shown images that way. Huffman tables made for each picture would
 * save 4 % of the bytes and cost a fifth of the time.
 */
function smaller(image: Sharp, format: string, space: string, edgeMax: number): Promise<Uint8Array> {
  const isInk = space === 'cmyk';
  const upright = (isInk ? image.pipelineColourspace(space).toColourspace(space) : image)
    .autoOrient()
    .resize({ width: edgeMax, height: edgeMax, fit: 'inside', withoutEnlargement: true });
  const jpeg = { quality: 95, chromaSubsampling: '4:4:4', optimiseCoding: false } as const;
  return (format === 'jpeg' || isInk ? upright.jpeg(jpeg) : upright.png()).toBuffer();
}

/** Every row of pixels is decoded (and thrown away): a header alone does not show that a file is whole. */
function decodeAll(image: Sharp): Promise<unknown> {
  return image.resize(8, 8, { fit: 'fill' }).raw().toBuffer();
}

/**
 * The bytes as they are, or, for images whose longer side is more than `edgeMax` pixels, a smaller copy.
 * UnusableRow IMAGE_UNREADABLE or IMAGE_TOO_LARGE, naming the image.
 */
export async function takeImage(bytes: Uint8Array, name: string, edgeMax = Infinity): Promise<TakenImage> {
  if (bytes.byteLength === 0) refuse('IMAGE_UNREADABLE', name, 'the file is empty');
  if (bytes.byteLength > imageByteLengthMax)
    refuse('IMAGE_TOO_LARGE', name, `${bytes.byteLength} bytes, more than ${imageByteLengthMax}`);
  const format = formatOf(bytes) ?? refuse('IMAGE_UNREADABLE', name, 'neither JPEG, PNG, WebP, GIF, TIFF nor AVIF');
  const plain = format === 'jpeg' ? await smallerPlainJpeg(bytes, edgeMax) : undefined;
  if (plain !== undefined) return { sha256: sha256(plain), bytes: plain };
  // the limit is checked below, where the error can say what was found
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
