import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { Rng } from '../../core/rng.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { augment, type Augmentation } from '../../policy/vision/augment.ts';
import { decodeImage, type RgbImage } from '../../policy/vision/rgb-image.ts';

const nothing = { cropMin: 1, flip: false, brightness: 0, contrast: 0, saturation: 0, noise: 0 };
const everything = { cropMin: 0.5, flip: true, brightness: 0.4, contrast: 0.4, saturation: 1, noise: 0.1 };
let image: RgbImage;

beforeAll(async () => {
  image = await decodeImage(await readFile(new URL('../fixtures/image/rgb-30x67.jpg', import.meta.url)));
});

const changed = (by: Partial<Augmentation>, seed = 0) => augment(image, { ...nothing, ...by }, new Rng('test', seed));
const draws = (by: Partial<Augmentation>) => Array.from({ length: 40 }, (_, seed) => changed(by, seed));
const same = (a: RgbImage, b: RgbImage) => Buffer.from(a.data).equals(Buffer.from(b.data));
const grey = ({ data }: RgbImage) =>
  Array.from({ length: data.length / 3 }, (_, i) => {
    const [r = 0, g = 0, b = 0] = data.subarray(3 * i, 3 * i + 3);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  });
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviationOf = (values: readonly number[]) => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};

describe('augmentation of a picture', () => {
  test('changes nothing where nothing is set', () => {
    expect(same(changed({}), image)).toBe(true);
  });

  test('depends on the draw alone, leaves the picture itself alone, and keeps its size', () => {
    const before = { ...image, data: Uint8Array.from(image.data) };
    const [one, again, other] = [changed(everything), changed(everything), changed(everything, 1)];
    expect(same(image, before)).toBe(true);
    expect(same(one, again)).toBe(true);
    expect(same(one, other)).toBe(false);
    for (const { height, width, data } of draws(everything))
      expect([height, width, data.length]).toEqual([image.height, image.width, image.data.length]);
  });

  test('mirrors about half of the pictures, and mirrors exactly', () => {
    const mirrored = draws({ flip: true }).filter((drawn) => !same(drawn, image));
    expect(mirrored.length).toBeGreaterThan(10);
    expect(mirrored.length).toBeLessThan(30);
    const { width, height, data } = required(mirrored[0], 'a mirrored picture');
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        for (let channel = 0; channel < 3; channel++) {
          const there = image.data[(row * width + width - 1 - column) * 3 + channel];
          expect(data[(row * width + column) * 3 + channel]).toBe(there);
        }
  });

  test('crops within the picture: a picture of one colour stays as it is', () => {
    const plain = { height: 20, width: 31, data: new Uint8Array(20 * 31 * 3).fill(77) };
    for (let seed = 0; seed < 20; seed++)
      expect(same(augment(plain, { ...nothing, cropMin: 0.3 }, new Rng('crop', seed)), plain)).toBe(true);
    expect(draws({ cropMin: 0.5 }).filter((drawn) => same(drawn, image)).length).toBeLessThan(4);
  });

  test('brightness scales the mean, contrast the deviation, both by at most their share', () => {
    const dark = { ...image, data: image.data.map((sample) => 60 + sample / 4) };
    const of = (by: Partial<Augmentation>) =>
      Array.from({ length: 40 }, (_, seed) => grey(augment(dark, { ...nothing, ...by }, new Rng('jitter', seed))));
    const brightness = of({ brightness: 0.3 }).map((values) => meanOf(values) / meanOf(grey(dark)));
    const contrast = of({ contrast: 0.3 }).map((values) => deviationOf(values) / deviationOf(grey(dark)));
    for (const ratios of [brightness, contrast]) {
      expect(Math.min(...ratios)).toBeGreaterThan(0.69);
      expect(Math.min(...ratios)).toBeLessThan(0.8);
      expect(Math.max(...ratios)).toBeLessThan(1.31);
      expect(Math.max(...ratios)).toBeGreaterThan(1.2);
    }
    for (const values of of({ contrast: 0.3 })) expect(meanOf(values)).toBeCloseTo(meanOf(grey(dark)), 0);
  });

  test('saturation keeps the grey of a picture', () => {
    const pastel = { ...image, data: image.data.map((sample) => 100 + sample / 8) };
    const before = grey(pastel);
    const drawn = Array.from({ length: 10 }, (_, seed) =>
      augment(pastel, { ...nothing, saturation: 1 }, new Rng('saturation', seed)),
    );
    for (const each of drawn)
      for (const [i, value] of grey(each).entries()) expect(Math.abs(value - (before[i] ?? NaN))).toBeLessThan(1);
    expect(drawn.filter((each) => !same(each, pastel)).length).toBeGreaterThan(5);
  });

  test('noise has a mean of zero and at most its deviation', () => {
    const plain = { height: 64, width: 64, data: new Uint8Array(64 * 64 * 3).fill(128) };
    const deviations = Array.from({ length: 20 }, (_, seed) => {
      const values = Array.from(augment(plain, { ...nothing, noise: 0.1 }, new Rng('noise', seed)).data);
      expect(Math.abs(meanOf(values) - 128)).toBeLessThan(1);
      return deviationOf(values);
    });
    expect(Math.max(...deviations)).toBeLessThan(25.5 * 1.03);
    expect(Math.max(...deviations)).toBeGreaterThan(18);
    expect(Math.min(...deviations)).toBeLessThan(8);
  });

  test('the draw of one part does not depend on the others', () => {
    const flipped = draws({ flip: true }).map((drawn) => !same(drawn, image));
    const both = draws({ flip: true, brightness: 0.2 });
    const bright = draws({ brightness: 0.2 });
    expect(both.map((drawn, i) => !same(drawn, required(bright[i], 'a picture')))).toEqual(flipped);
  });
});

test('a prompt shows changed pictures with the tokens and sizes of the unchanged ones', async () => {
  const processor = await loadProcessor(`${projectRoot}/recipes/demo-config`);
  const file = await readFile(new URL('../fixtures/image/rgb-48x32.png', import.meta.url));
  const messages = [{ role: 'user' as const, content: [{ type: 'image' as const }] }];
  const read = () => Promise.resolve(file);
  const plain = await processor.deferPrompt(messages, [read]);
  const mirrored = await processor.deferPrompt(messages, [read], [(each) => augment(each, everything, new Rng(1))]);
  expect(mirrored.tokenIds).toEqual(plain.tokenIds);
  expect(mirrored.images).toEqual(plain.images);
  expect(await mirrored.pixels()).toEqual(await mirrored.pixels());
  expect(await mirrored.pixels()).not.toEqual(await plain.pixels());
});
