/** Pictures in every mode of TIFF, PNG, WebP and AVIF against Pillow (test/fixtures/pictures). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { required } from '../../core/assert.ts';
import { takeImage } from '../../judge/datasets/sources/encoded-image.ts';
import { decodeImage } from '../../policy/vision/rgb-image.ts';

const folder = fileURLToPath(new URL('../fixtures/pictures/', import.meta.url));
const pillow = decodeSafetensors(readFileSync(join(folder, 'expected.safetensors'))).tensors;

/** Absolute differences of all values from Pillow's, as an ingested picture is shown to a model. */
async function differences(name: string): Promise<number[]> {
  const { bytes } = await takeImage(readFileSync(join(folder, name)), name);
  const { data, height, width } = await decodeImage(required(bytes, name));
  const expected = required(pillow.get(name), name);
  expect([height, width, 3]).toEqual(expected.shape);
  return Array.from(data, (value, i) => Math.abs(value - (expected.data[i] ?? NaN)));
}

const isAvif = (name: string): boolean => name.endsWith('.avif');

test.each([...pillow.keys()].filter((name) => !isAvif(name)))('%s: the pixels are those of Pillow', async (name) => {
  expect(Math.max(...(await differences(name)))).toBe(0);
});

describe('AVIF, whose tolerance docs/data.md states', () => {
  test.each([
    ['areas-444.avif', { max: 1, mean: 0.2, aboveFour: 0 }],
    ['areas-400.avif', { max: 0, mean: 0, aboveFour: 0 }],
    ['areas-422.avif', { max: 59, mean: 1.5, aboveFour: 0.065 }],
    ['areas-420.avif', { max: 99, mean: 3.1, aboveFour: 0.125 }],
  ])('%s differs by no more than %j', async (name, { max, mean, aboveFour }) => {
    const found = await differences(name);
    expect(Math.max(...found)).toBeLessThanOrEqual(max);
    expect(found.reduce((a, b) => a + b, 0) / found.length).toBeLessThanOrEqual(mean);
    expect(found.filter((value) => value > 4).length / found.length).toBeLessThanOrEqual(aboveFour);
  });
});

test.each([
  ['lab.tif', 'a TIFF file with LAB colours'],
  ['lab-16.tif', 'a TIFF file with LAB colours'],
  ['lab-icc.tif', 'a TIFF file with LAB (ICC) colours'],
  ['lab-itu.tif', 'a TIFF file with LAB (ITU) colours'],
  ['ycbcr.tif', 'a TIFF file with YCbCr colours'],
  ['raw.tif', 'a TIFF file with raw sensor colours'],
  ['inks-16.tif', 'a TIFF file with 16 bits a channel'],
  ['rgb-float.tif', 'a TIFF file with 32 bits a channel'],
  ['grey-16-white-is-zero.tif', 'a TIFF file with 16 bits, of which 0 is white'],
  ['grey-signed.tif', 'a TIFF file with signed numbers'],
  ['grey-16-signed.tif', 'a TIFF file with signed numbers'],
  ['zstd.tif', 'a TIFF file with Zstandard compression'],
  ['big.tif', 'a BigTIFF file'],
  ['animated.avif', 'an animated AVIF file'],
])('%s is refused as %s, with the way out', async (name, what) => {
  const refused = takeImage(readFileSync(join(folder, 'refused', name)), name);
  await expect(refused).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: expect.stringMatching(
      new RegExp(`${what.replace(/[()]/g, '\\$&')}, (which is not read: convert it to PNG|neither JPEG, PNG)`),
    ) as string,
  });
});
