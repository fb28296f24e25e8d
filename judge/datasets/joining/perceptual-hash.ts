/**
 * pHash: the signs of an image's lowest frequencies, 64 bits that are robust to resizing, re-encoding and small changes
 * of colour. 32x32 grey, two-dimensional DCT-II, the lowest 8x8 against their median (Zauner 2010, as Python's
 * imagehash).
 */
import sharp from 'sharp';

/** Two 32-bit words. */
export type PerceptualHash = readonly [high: number, low: number];

const edge = 32;
const kept = 8;
/** Standard deviation in grey levels below which an image counts as one colour, because its signs would be noise. */
const deviationMin = 1;

/** cos((2x + 1) u pi / 64): [u][x] */
const cosines = Float64Array.from({ length: kept * edge }, (_, i) => {
  const [u, x] = [Math.floor(i / edge), i % edge];
  return Math.cos(((2 * x + 1) * u * Math.PI) / (2 * edge));
});

/** [kept][edge] times `rows` [edge][width], giving [kept][width]. */
function project(rows: Float64Array, width: number): Float64Array {
  const out = new Float64Array(kept * width);
  for (let u = 0; u < kept; u++) {
    for (let x = 0; x < edge; x++) {
      const cosine = cosines[u * edge + x] ?? 0;
      for (let y = 0; y < width; y++)
        out[u * width + y] = (out[u * width + y] ?? 0) + cosine * (rows[x * width + y] ?? 0);
    }
  }
  return out;
}

function transposed(values: Float64Array, rowCount: number, columnCount: number): Float64Array {
  return Float64Array.from({ length: values.length }, (_, i) => {
    return values[(i % rowCount) * columnCount + Math.floor(i / rowCount)] ?? 0;
  });
}

/** Hash of grey levels [32][32], row by row. Undefined for an image of one colour, whose signs are noise. */
export function hashOfGrey(grey: ArrayLike<number>): PerceptualHash | undefined {
  const values = Float64Array.from(grey);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  if (Math.sqrt(variance) < deviationMin) return undefined;
  const byRow = project(values, edge);
  const frequencies = transposed(project(transposed(byRow, kept, edge), kept), kept, kept);
  const sorted = Float64Array.from(frequencies).sort();
  const median = ((sorted[31] ?? 0) + (sorted[32] ?? 0)) / 2;
  const words: [number, number] = [0, 0];
  frequencies.forEach((frequency, i) => {
    if (frequency > median) words[i >> 5 ? 1 : 0] |= 1 << (31 - (i & 31));
  });
  return [words[0] >>> 0, words[1] >>> 0];
}

/** Hash of an encoded image that can be decoded; transparency becomes white. Undefined for an image of one colour. */
export async function perceptualHash(bytes: Uint8Array): Promise<PerceptualHash | undefined> {
  const grey = await sharp(bytes)
    .rotate()
    .flatten({ background: '#fff' })
    .greyscale()
    .resize(edge, edge, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  return hashOfGrey(grey);
}
