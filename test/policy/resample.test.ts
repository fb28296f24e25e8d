import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import wabt from 'wabt';
import { resizeRgb, supportedResamples } from '../../policy/vision/resample.ts';
import type { RgbImage } from '../../policy/vision/rgb-image.ts';

const kernelFile = (name: string): Buffer => readFileSync(new URL(`../../policy/vision/${name}`, import.meta.url));

test('resample.wasm matches resample.wat: npx wat2wasm policy/vision/resample.wat -o policy/vision/resample.wasm', async () => {
  const assembler = await wabt();
  const { buffer } = assembler.parseWat('resample.wat', kernelFile('resample.wat')).toBinary({});
  expect(Buffer.from(buffer).equals(kernelFile('resample.wasm'))).toBe(true);
});

const edge = fc.integer({ min: 1, max: 70 });
const image = fc.record({ height: edge, width: edge, seed: fc.integer() }).map(({ height, width, seed }): RgbImage => {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 24);
  return { data, height, width };
});

/** The bilinear filter by its definition, with rounding after each pass. */
function bilinear({ data, height, width }: RgbImage, toHeight: number, toWidth: number): Uint8Array {
  const line = (values: readonly number[], count: number): number[] => {
    const scale = values.length / count;
    const reach = Math.max(1, scale);
    return Array.from({ length: count }, (_, i) => {
      const center = (i + 0.5) * scale;
      const weights = values.map((_value, at) => Math.max(0, 1 - Math.abs(at + 0.5 - center) / reach));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return Math.round(weights.reduce((sum, weight, at) => sum + weight * (values[at] ?? 0), 0) / total);
    });
  };
  const target = new Uint8Array(toHeight * toWidth * 3);
  for (let channel = 0; channel < 3; channel++) {
    const at = (y: number, x: number): number => data[(y * width + x) * 3 + channel] ?? 0;
    const rows = Array.from({ length: height }, (_, y) =>
      line(
        Array.from({ length: width }, (_value, x) => at(y, x)),
        toWidth,
      ),
    );
    for (let x = 0; x < toWidth; x++)
      for (const [y, value] of line(
        rows.map((row) => row[x] ?? 0),
        toHeight,
      ).entries())
        target[(y * toWidth + x) * 3 + channel] = value;
  }
  return target;
}

const largestDifference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? NaN))), a.length === b.length ? 0 : 256);

test('resizing between any sizes matches the definition of the filter', () => {
  fc.assert(
    fc.property(image, edge, edge, (from, height, width) => {
      const { data } = resizeRgb(from, height, width, supportedResamples.bilinear);
      // The order of the passes and ties of the rounding.
      expect(largestDifference(data, bilinear(from, height, width))).toBeLessThanOrEqual(2);
    }),
    { numRuns: 150 },
  );
});

test('halving first equals resampling the means of 2x2 pixels', () => {
  fc.assert(
    fc.property(image, image, edge, edge, (quarter, noise, height, width) => {
      const size = { height: quarter.height * 2, width: quarter.width * 2 };
      const pixel = (y: number, x: number, channel: number): number =>
        noise.data[((y * size.width + x) * 3 + channel) % noise.data.length] ?? 0;
      const data = Uint8Array.from({ length: size.height * size.width * 3 }, (_, i) =>
        pixel(Math.floor(i / 3 / size.width), Math.floor(i / 3) % size.width, i % 3),
      );
      const means = Uint8Array.from({ length: quarter.data.length }, (_, i) => {
        const [y, x, channel] = [Math.floor(i / 3 / quarter.width) * 2, (Math.floor(i / 3) % quarter.width) * 2, i % 3];
        const sum =
          pixel(y, x, channel) + pixel(y, x + 1, channel) + pixel(y + 1, x, channel) + pixel(y + 1, x + 1, channel);
        return (sum + 2) >> 2;
      });
      const halved = resizeRgb({ ...size, data }, height, width, supportedResamples.lanczos, { halved: true });
      const expected = resizeRgb({ ...quarter, data: means }, height, width, supportedResamples.lanczos);
      expect(largestDifference(halved.data, expected.data)).toBe(0);
    }),
    { numRuns: 50 },
  );
});
