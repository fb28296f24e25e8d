import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { takeImage } from '../../judge/datasets/sources/encoded-image.ts';

/** Noise, so that every part of the file matters. */
const noise = (edge: number, channels: 3 | 4 = 3): Sharp =>
  sharp(Buffer.from(Uint8Array.from({ length: edge * edge * channels }, (_, i) => (i * 7919) % 251)), {
    raw: { width: edge, height: edge, channels },
  });

/** A PNG whose header declares this size, without pixels. */
function pngHeader(edge: number): Buffer {
  const body = Buffer.alloc(17);
  body.write('IHDR');
  body.writeUInt32BE(edge, 4);
  body.writeUInt32BE(edge, 8);
  body.set([8, 2, 0, 0, 0], 12);
  const chunk = Buffer.alloc(25);
  chunk.writeUInt32BE(13);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), 21);
  const data = Buffer.from('0000000049444154', 'hex');
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk, data, Buffer.alloc(4)]);
}

const sixteenBits = (): Promise<Buffer> =>
  sharp(new Uint16Array(32 * 32 * 3).fill(40_000), { raw: { width: 32, height: 32, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();

describe('keeps the bytes of a valid image', () => {
  test.each<[string, () => Promise<Buffer>]>([
    ['JPEG', () => noise(32).jpeg().toBuffer()],
    ['progressive JPEG', () => noise(32).jpeg({ progressive: true }).toBuffer()],
    ['JPEG in CMYK', () => noise(32).toColourspace('cmyk').jpeg().toBuffer()],
    ['JPEG that lies on its side', () => noise(32).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['RGBA PNG', () => noise(32, 4).png().toBuffer()],
    ['PNG with a palette', () => noise(32).png({ palette: true }).toBuffer()],
    ['PNG with 16 bits', sixteenBits],
    ['grey PNG', () => noise(32).greyscale().png().toBuffer()],
    ['WebP', () => noise(32).webp().toBuffer()],
    ['GIF', () => noise(32).gif().toBuffer()],
    ['TIFF', () => noise(32).tiff().toBuffer()],
  ])('%s', async (_, encode) => {
    const bytes = await encode();
    expect((await takeImage(bytes, 'x')).bytes).toBe(bytes);
  });
});

describe('refuses an invalid image by name', () => {
  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string, RegExp]>([
    ['nothing', () => new Uint8Array(), 'IMAGE_UNREADABLE', /x: the file is empty/],
    ['20,000 x 20,000 pixels, unseen', () => pngHeader(20_000), 'IMAGE_TOO_LARGE', /20000 x 20000 pixels/],
    ['half a JPEG', async () => half(await noise(96).jpeg().toBuffer()), 'IMAGE_UNREADABLE', /x: /],
    ['half a PNG', async () => half(await noise(96).png().toBuffer()), 'IMAGE_UNREADABLE', /x: /],
    ['half a WebP', async () => half(await noise(96).webp().toBuffer()), 'IMAGE_UNREADABLE', /x: /],
    ['a drawing that could open files', () => Buffer.from('<svg xmlns="x"/>'), 'IMAGE_UNREADABLE', /neither JPEG/],
    ['a page', () => Buffer.from('<!doctype html><p>404</p>'), 'IMAGE_UNREADABLE', /neither JPEG/],
  ])('%s', async (_, bytes, code, reason) => {
    const refused = expect(takeImage(await bytes(), 'x')).rejects;
    await refused.toMatchObject({ code, message: expect.stringMatching(reason) as string });
  });
});

const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.byteLength / 2);

describe('with a limit on the longer side', () => {
  test('downscales larger images to upright copies and keeps small ones unchanged', async () => {
    const wide = await sharp({ create: { width: 200, height: 100, channels: 3, background: '#123456' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { bytes } = await takeImage(wide, 'x', 50);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 25, height: 50 });
    expect((await takeImage(wide, 'x', 200)).bytes).toBe(wide);
    const png = await takeImage(await noise(64, 4).png().toBuffer(), 'x', 32);
    expect(await sharp(png.bytes).metadata()).toMatchObject({ format: 'png', width: 32, channels: 4 });
  });

  test('keeps the colours in a copy: CMYK stays CMYK, and a profile is not applied', async () => {
    const colour = { r: 30, g: 200, b: 90 };
    const large = sharp({ create: { width: 64, height: 64, channels: 3, background: colour } });
    const inks = await takeImage(await large.clone().toColourspace('cmyk').tiff().toBuffer(), 'x', 32);
    expect(await sharp(inks.bytes).metadata()).toMatchObject({ space: 'cmyk', width: 32 });
    const wide = await large.clone().keepIccProfile().withIccProfile('p3').png().toBuffer();
    const pixel = async (bytes?: Uint8Array): Promise<number[]> => [
      ...(await sharp(bytes, { ignoreIcc: true }).resize(1, 1).raw().toBuffer()),
    ];
    expect(await pixel((await takeImage(wide, 'x', 32)).bytes)).toEqual(await pixel(wide));
    expect(await pixel(wide)).not.toEqual(Object.values(colour));
  });

  test('makes the same copy of the same image, so that its digest finds leaks', async () => {
    const image = await noise(100).jpeg().toBuffer();
    expect((await takeImage(image, 'x', 40)).sha256).toBe((await takeImage(Buffer.from(image), 'y', 40)).sha256);
  });

  test('still refuses half an image', async () => {
    await expect(takeImage(half(await noise(96).jpeg().toBuffer()), 'x', 40)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  });
});
