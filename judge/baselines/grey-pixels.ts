/** A picture as 24x24 grey pixels, standardized: what a baseline sees that recognizes nothing. */
import sharp from 'sharp';

const greyEdge = 24;
export const greyPixelCount = greyEdge * greyEdge;

/** Grey levels around which a picture counts as one colour: its pixels are noise. */
const deviationMin = 1;

/**
 * Grey levels of an encoded picture that can be decoded, row by row, minus their mean, divided by their standard
 * deviation: brightness and contrast of the whole picture say nothing. Zeros for a picture of one colour. Transparency
 * becomes white.
 */
export async function greyPixels(bytes: Uint8Array): Promise<Float32Array> {
  const grey = await sharp(bytes)
    .rotate()
    .flatten({ background: '#fff' })
    .greyscale()
    .resize(greyEdge, greyEdge, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  return standardized(grey);
}

export function standardized(values: Uint8Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return Float32Array.from(values, (value) => (deviation < deviationMin ? 0 : (value - mean) / deviation));
}
