/** Encoded images of a dataset: rejected if too large, decoded once to check that they are complete, hashed. */
import sharp, { type Sharp } from 'sharp';
import { sha256 } from '../../../core/json.ts';
import { decodeGif } from '../../../policy/vision/gif.ts';
import { smallerPlainJpeg } from './plain-jpeg.ts';
import { unreadTiffMode } from './tiff-modes.ts';
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
  ['avif', /^[^]{4}ftyp(?:avif|mif1)/],
];

/** Files that are not read, by the name that users know them by. */
const otherSignatures: readonly (readonly [string, RegExp])[] = [
  ['a BMP file', /^BM/],
  ['an icon', /^\0\0[^\0]\0/],
  ['an animated AVIF file', /^[^]{4}ftypavis/],
  ['a BigTIFF file', /^(?:II\+\0|MM\0\+)/],
  ['a HEIC file', /^[^]{4}ftyphe(?:ic|ix|vc|vx|im|is)/],
  ['a JPEG 2000 file', /^\0{3}.jP/s],
  ['a JPEG XL file', /^(?:\xff\n|\0{3}.JXL)/s],
  ['a PNM file', /^P[1-7]\s/],
  ['a Photoshop file', /^8BPS/],
  ['a PDF file', /^%PDF/],
  ['an SVG or XML file', /^\s*<(?:\?xml|svg)/i],
  ['a web page', /^\s*<(?:!doctype|html)/i],
  ['a Git LFS pointer, not the file itself', /^version https:/],
];

function named(bytes: Uint8Array, patterns: typeof signatures): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.byteLength)).toString('latin1');
  return patterns.find(([, pattern]) => pattern.test(start))?.[0];
}

const formatOf = (bytes: Uint8Array): string | undefined => named(bytes, signatures);

/** Whether the first bytes are those of an accepted format. */
export const startsLikeImage = (bytes: Uint8Array): boolean => formatOf(bytes) !== undefined;

function refuse(code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE', name: string, reason: string): never {
  throw new UnusableRow(code, `${name}: ${reason}`);
}

function notRead(bytes: Uint8Array): string {
  const other = named(bytes, otherSignatures);
  return `${other === undefined ? '' : `${other}, `}neither JPEG, PNG, WebP, GIF, TIFF nor AVIF`;
}

/** Awaits work of the library, whose errors become IMAGE_UNREADABLE. */
async function attempt<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    // The library repeats a line for each strip or tile.
    const lines = new Set((error instanceof Error ? error.message : String(error)).split(/\s*\n\s*/));
    return refuse('IMAGE_UNREADABLE', name, [...lines].join(' ').trim());
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
export async function takeImage(
  bytes: Uint8Array,
  name: string,
  edgeMax = Infinity,
  pixelLimit = pixelCountMax,
): Promise<TakenImage> {
  if (bytes.byteLength === 0) refuse('IMAGE_UNREADABLE', name, 'the file is empty');
  if (bytes.byteLength > imageByteLengthMax)
    refuse('IMAGE_TOO_LARGE', name, `${bytes.byteLength} bytes, more than ${imageByteLengthMax}`);
  const format = formatOf(bytes) ?? refuse('IMAGE_UNREADABLE', name, notRead(bytes));
  const mode = format === 'tiff' ? unreadTiffMode(bytes) : undefined;
  if (mode !== undefined)
    refuse('IMAGE_UNREADABLE', name, `a TIFF file with ${mode}, which is not read: convert it to PNG`);
  const plain = format === 'jpeg' ? await smallerPlainJpeg(bytes, edgeMax) : undefined;
  if (plain !== undefined) return { sha256: sha256(plain), bytes: plain };
  // the limit is checked below, where the error can state the size
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
  const { width, height, space } = await attempt(name, image.metadata());
  if (width * height > pixelLimit)
    refuse('IMAGE_TOO_LARGE', name, `${width} x ${height} pixels, more than ${pixelLimit} in all`);
  // with the colours that models are shown, also where it is transparent
  const gif = format === 'gif' ? await attempt(name, Promise.resolve(bytes).then(decodeGif)) : undefined;
  if (Math.max(width, height) > edgeMax) {
    const source =
      gif === undefined ? image : sharp(gif.data, { raw: { height: gif.height, width: gif.width, channels: 3 } });
    const copy = await attempt(name, smaller(source, format, space, edgeMax));
    return { sha256: sha256(copy), bytes: copy };
  }
  if (gif === undefined) await attempt(name, decodeAll(image));
  return { sha256: sha256(bytes), bytes };
}
