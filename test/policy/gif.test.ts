/** GIFs are decoded to the pixels that Pillow makes of them; fixtures by test/fixtures/gif/generate.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { takeImage } from '../../judge/datasets/sources/encoded-image.ts';
import { decodeGif } from '../../policy/vision/gif.ts';
import { decodeImage, imageSizeOf } from '../../policy/vision/rgb-image.ts';

interface Expected {
  readonly height: number;
  readonly width: number;
  readonly rgb: string;
}
const expected = JSON.parse(readFileSync('test/fixtures/gif/expected.json', 'utf8')) as Readonly<
  Record<string, Expected>
>;
const fileOf = (name: string): Buffer => readFileSync(`test/fixtures/gif/${name}`);

describe.each(Object.entries(expected))('%s', (name, { height, width, rgb }) => {
  test('has the pixels of Pillow', async () => {
    const image = await decodeImage(fileOf(name));
    expect([image.height, image.width]).toEqual([height, width]);
    expect(Buffer.from(image.data).toString('hex')).toBe(rgb);
    expect(await imageSizeOf(fileOf(name))).toEqual({ height, width });
  });

  test('is taken as it is', async () => {
    expect((await takeImage(fileOf(name), name)).bytes).toEqual(fileOf(name));
  });
});

test('a smaller copy keeps the colours of transparent pixels', async () => {
  const { bytes = new Uint8Array() } = await takeImage(fileOf('transparent.gif'), 'a', 60);
  const whole = decodeGif(fileOf('transparent.gif'));
  const copy = await decodeImage(bytes);
  const mean = (data: Uint8Array): number => data.reduce((sum, value) => sum + value, 0) / data.length;
  expect(copy.height).toBe(60);
  expect(Math.abs(mean(copy.data) - mean(whole.data))).toBeLessThan(2);
});

test('a damaged file is refused wherever it is cut or changed, and never hangs', async () => {
  const whole = fileOf('transparent.gif');
  for (let length = 6; length < whole.byteLength - 8; length += 97)
    await expect(takeImage(whole.subarray(0, length), 'cut')).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  let refusedCount = 0;
  for (let at = 13; at < whole.byteLength; at += 41) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x5a;
    const taken = await takeImage(changed, 'changed').catch((error: unknown) => error as { code?: string });
    if ('code' in taken) {
      expect(taken.code).toMatch(/^IMAGE_/);
      refusedCount++;
    }
  }
  expect(refusedCount).toBeGreaterThan(3);
});

test.each([
  ['a BMP file', Buffer.from('BM\u0000\u0000', 'latin1')],
  ['a BigTIFF file', Buffer.from('MM\0+\0\b\0\0', 'latin1')],
  ['a HEIC file', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1')],
  ['a JPEG XL file', Buffer.from([0xff, 0x0a, 0, 0])],
  ['a web page', Buffer.from('<!DOCTYPE html><html>')],
  ['a Git LFS pointer, not the file itself', Buffer.from('version https://example.org/git-lfs/spec/v1')],
])('%s is named', async (what, bytes) => {
  await expect(takeImage(bytes, 'x')).rejects.toThrow(`x: ${what}, neither JPEG, PNG, WebP, GIF, TIFF nor AVIF`);
});
