import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { RgbImage } from '../../policy/vision/rgb-image.ts';
import { takeImage } from '../../judge/datasets/sources/encoded-image.ts';
import type { PixelValues } from '../../policy/engine.ts';
import { ImageProcessor, type TiledImage } from '../../policy/vision/image-processor.ts';
import { decodeImage } from '../../policy/vision/rgb-image.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const peer = decodeSafetensors(readFileSync(join(fixtures, 'processor/expected.safetensors'))).tensors;
const colour = decodeSafetensors(readFileSync(join(fixtures, 'colour/expected.safetensors'))).tensors;
const names = [...new Set([...peer.keys()].map((key) => key.replace(/\.(rgb|pixels\..*)$/, '')))];
const root = mkdtempSync(join(tmpdir(), 'mtrl-images-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

async function processorWith(resample: number): Promise<ImageProcessor> {
  const folder = mkdtempSync(join(root, 'config-'));
  const config = {
    do_image_splitting: false,
    size: { longest_edge: 48 },
    max_image_size: { longest_edge: 32 },
    resample,
  };
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(config));
  return ImageProcessor.load(folder, 1 << 20);
}

function rgbOf(name: string): RgbImage {
  const { data, shape } = required(peer.get(`${name}.rgb`), name);
  return { data, height: required(shape[0], name), width: required(shape[1], name) };
}

function only({ tiles }: TiledImage): PixelValues {
  expect(tiles).toHaveLength(1);
  return required(tiles[0], 'tile');
}

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a).toHaveLength(b.length);
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] ?? NaN))), 0);
}

describe('images', () => {
  it.each(names)('are decoded to the same pixels as by Pillow: %s', async (name) => {
    const image = await decodeImage(readFileSync(join(fixtures, 'processor', name)));
    const expected = rgbOf(name);
    expect([image.height, image.width]).toEqual([expected.height, expected.width]);
    expect(maxDifference(image.data, expected.data)).toBe(0);
  });

  it.each([...colour.keys()].filter((name) => !name.startsWith('grey-16.')))(
    'in CMYK or 16 bits are decoded to the same pixels as by Pillow: %s',
    async (name) => {
      const { data, height, width } = await decodeImage(readFileSync(join(fixtures, 'colour', name)));
      const expected = required(colour.get(name), name);
      expect([height, width, 3]).toEqual(expected.shape);
      expect(maxDifference(data, expected.data)).toBe(0);
    },
  );

  it('in 16-bit grey keep their high byte; Pillow turns them white', async () => {
    const { data } = await decodeImage(readFileSync(join(fixtures, 'colour/grey-16.png')));
    const grey = required(colour.get('grey-16.values'), 'values').data;
    expect(
      maxDifference(
        data,
        Uint8Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)] ?? 0),
      ),
    ).toBe(0);
    const pillow = required(colour.get('grey-16.png'), 'what Pillow sees').data;
    expect(pillow.filter((level) => level === 255).length / pillow.length).toBeGreaterThan(0.9);
  });

  it.each(['gif', 'webp'] as const)(
    'that are animated (%s) are reduced to their first frame, downscaled at ingestion or not',
    async (format) => {
      const frame = (red: number): Promise<Buffer> =>
        sharp({ create: { width: 40, height: 30, channels: 3, background: { r: red, g: 0, b: 255 - red } } })
          .png()
          .toBuffer();
      const frames = sharp([await frame(255), await frame(0)], { join: { animated: true } });
      const moving = await (format === 'gif' ? frames.gif() : frames.webp({ lossless: true })).toBuffer();
      expect(await sharp(moving).metadata()).toMatchObject({ pages: 2 });
      for (const edgeMax of [100, 20]) {
        const { bytes } = await takeImage(moving, 'moving', edgeMax);
        const { data, width, height } = await decodeImage(required(bytes, 'bytes'));
        expect([width, height]).toEqual(edgeMax === 20 ? [20, 15] : [40, 30]);
        expect(data.every((level, i) => level === [255, 0, 0][i % 3])).toBe(true);
      }
    },
  );

  it.each([1, 2, 3].flatMap((resample) => names.map((name) => [resample, name] as const)))(
    'are resampled bit-exactly as by Pillow: filter %i, %s',
    async (resample, name) => {
      const { data } = only((await processorWith(resample)).fromRgb(rgbOf(name)));
      const expected = readFloat32(required(peer.get(`${name}.pixels.${String(resample)}`), name));
      // Levels are 2/255 apart: the rest is the order of float32 operations.
      expect(maxDifference(data, expected)).toBeLessThan(1e-6);
    },
  );

  it('of the right size equal the output of the torchvision processor', async () => {
    const { tensors } = decodeSafetensors(readFileSync(join(fixtures, 'idefics3/images.safetensors')));
    const processor = await ImageProcessor.load(join(fixtures, 'idefics3/tied'), 0);
    for (const i of [0, 1, 2]) {
      const raw = required(tensors.get(`raw.${String(i)}`), 'raw');
      const { data } = only(processor.fromRgb({ data: raw.data, height: 32, width: 32 }));
      const expected = readFloat32(required(tensors.get(`pixel_values.${String(i)}`), 'pixel_values'));
      expect(
        Buffer.from(data.buffer).equals(Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength)),
      ).toBe(true);
    }
  });

  it('are processed once while the cache has room', async () => {
    const processor = await processorWith(1);
    const bytes = readFileSync(join(fixtures, 'processor/wide.png'));
    expect(await processor.process(bytes)).toBe(await processor.process(Uint8Array.from(bytes)));
  });
});
