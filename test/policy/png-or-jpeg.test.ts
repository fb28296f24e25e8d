/** Images for servers: the pixels are those that local engines see. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { asPngOrJpeg } from '../../policy/vision/png-or-jpeg.ts';
import { decodeImage } from '../../policy/vision/rgb-image.ts';
import { qwen3VlImage } from '../support/qwen3-vl-fixture.ts';

const picture = sharp(qwen3VlImage('half'));

const pixelsOf = async (file: Uint8Array) => {
  const { data, height, width } = await decodeImage(file);
  return { data: [...data], height, width };
};

it.each(['png', 'jpeg'] as const)('leaves a %s file as it is', async (format) => {
  const file = await picture.clone().toFormat(format).toBuffer();
  expect(await asPngOrJpeg(file)).toBe(file);
});

it.each(['webp', 'gif', 'tiff', 'avif'] as const)('makes a PNG file of the same pixels of %s', async (format) => {
  const file = await picture.clone().toFormat(format).toBuffer();
  const made = await asPngOrJpeg(file);
  expect((await sharp(made).metadata()).format).toBe('png');
  expect(await pixelsOf(made)).toEqual(await pixelsOf(file));
});

it('refuses what is no image', async () => {
  await expect(asPngOrJpeg(Buffer.from('no image'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
});
