import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { smallerPlainJpeg } from '../../judge/datasets/sources/plain-jpeg.ts';

/** Soft shapes, like a photograph. */
const picture = (width: number, height: number, seed = 1): Sharp =>
  sharp(
    Uint8Array.from({ length: 12 * 9 * 3 }, (_, i) => (i * 7919 * seed) % 251),
    { raw: { width: 12, height: 9, channels: 3 } },
  ).resize(width, height, { fit: 'fill' });

const pixels = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes).raw().toBuffer();

test.each([
  ['a little smaller', 300, 200],
  ['halved first', 480, 360],
  ['of odd size', 481, 359],
  ['upright', 200, 700],
])('makes a copy that looks like the picture: %s', async (_, width, height) => {
  const jpeg = await picture(width, height).jpeg({ quality: 95 }).toBuffer();
  const copy = (await smallerPlainJpeg(jpeg, 224)) ?? new Uint8Array();
  const size = { width: 224, height: 224, fit: 'inside' } as const;
  const { data, info } = await sharp(jpeg).resize(size).raw().toBuffer({ resolveWithObject: true });
  const made = await sharp(copy).metadata();
  expect(made).toMatchObject({ width: info.width, height: info.height, chromaSubsampling: '4:4:4' });
  const found = await pixels(copy);
  const squares = data.reduce((sum, value, i) => sum + (value - (found[i] ?? 0)) ** 2, 0);
  // Root mean square, in levels.
  expect(Math.sqrt(squares / data.length)).toBeLessThan(3);
});

describe('leaves everything but plain pixels to libvips', () => {
  const large = (): Sharp => picture(480, 360);
  test.each<[string, () => Promise<Uint8Array>]>([
    ['lies on its side', () => large().withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['progressive', () => large().jpeg({ progressive: true }).toBuffer()],
    ['grey', () => large().toColourspace('b-w').jpeg().toBuffer()],
    ['print colours', () => large().toColourspace('cmyk').jpeg().toBuffer()],
    ['much larger', () => picture(1000, 100).jpeg().toBuffer()],
    ['no larger', () => picture(224, 100).jpeg().toBuffer()],
    ['a PNG', () => large().png().toBuffer()],
    ['half a file', async () => half(await large().jpeg().toBuffer())],
    ['a header alone', async () => (await large().jpeg().toBuffer()).subarray(0, 4)],
    ['nothing', () => Promise.resolve(new Uint8Array())],
  ])('%s', async (_, encode) => {
    expect(await smallerPlainJpeg(await encode(), 224)).toBeUndefined();
  });
});

const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.byteLength / 2);

test('does not mix up pictures that are processed concurrently', async () => {
  const jpegs = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((seed) =>
      picture(300 + 40 * seed, 300, seed)
        .jpeg()
        .toBuffer(),
    ),
  );
  const together = await Promise.all(jpegs.map((jpeg) => smallerPlainJpeg(jpeg, 224)));
  for (const [i, jpeg] of jpegs.entries()) expect(await smallerPlainJpeg(jpeg, 224)).toEqual(together[i]);
});
