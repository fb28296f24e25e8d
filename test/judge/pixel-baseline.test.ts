import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { greyPixelCount, greyPixels, standardized } from '../../judge/baselines/grey-pixels.ts';
import { type Objective, minimize } from '../../judge/baselines/lbfgs.ts';
import { picturesOf, PixelFeatures } from '../../judge/baselines/pixel-features.ts';
import { fitSoftmax, type Labelled } from '../../judge/baselines/softmax-regression.ts';
import type { Example } from '../../judge/example.ts';

interface Case {
  readonly classCount: number;
  readonly groupCount: number;
  readonly c: number;
  readonly vectors: readonly number[][];
  readonly groups: readonly number[][];
  readonly labels: readonly number[];
  readonly probabilities: readonly number[][];
}
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/softmax-regression/expected.json', import.meta.url), 'utf8'),
) as readonly Case[];

function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe('a logistic regression has the probabilities of scikit-learn', () => {
  it.each(cases)('$classCount classes, $groupCount groups, C $c', ({ vectors, groups, labels, ...expected }) => {
    const examples = vectors.map((vector, i): Labelled => ({
      ...{ vector: Float32Array.from(vector), groups: groups[i] ?? [], label: labels[i] ?? -1 },
    }));
    const { classCount, groupCount, c } = expected;
    const shape = { vectorLength: 4, groupCount, classCount };
    const model = finish(fitSoftmax(examples, shape, { c, gradientMax: 1e-8, iterationCountMax: 1_000 }));
    for (const [i, example] of examples.entries())
      for (const [k, probability] of model.probabilities(example).entries())
        expect(probability).toBeCloseTo(expected.probabilities[i]?.[k] ?? NaN, 5);
  });
});

it('the minimum of a long valley is found, and the same one each time', () => {
  // f = 100 (y - 3 x)² + (x - 1)²: at (1, 3).
  const valley: Objective = (at, gradient) => {
    const [x, y] = [at[0] ?? 0, at[1] ?? 0];
    gradient[0] = -600 * (y - 3 * x) + 2 * (x - 1);
    gradient[1] = 200 * (y - 3 * x);
    return 100 * (y - 3 * x) ** 2 + (x - 1) ** 2;
  };
  const options = { iterationCountMax: 200, gradientMax: 1e-9 };
  const found = finish(minimize(valley, Float64Array.of(-5, 7), options));
  expect(found[0]).toBeCloseTo(1, 8);
  expect(found[1]).toBeCloseTo(3, 8);
  expect(finish(minimize(valley, Float64Array.of(-5, 7), options))).toEqual(found);
});

describe('pixels', () => {
  const picture = (value: number, alpha: number) =>
    sharp({ create: { width: 50, height: 30, channels: 4, background: { r: value, g: value, b: value, alpha } } });

  it('are standardized grey levels, so that brightness and contrast say nothing', () => {
    const values = Uint8Array.from({ length: greyPixelCount }, (_, i) => 100 + (i % 7));
    const found = standardized(values);
    expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 3);
    expect(found.reduce((sum, value) => sum + value ** 2, 0) / greyPixelCount).toBeCloseTo(1, 4);
    const louder = standardized(values.map((value) => 2 * (value - 100) + 20));
    louder.forEach((value, i) => {
      expect(value).toBeCloseTo(found[i] ?? NaN, 5);
    });
  });

  it('of a picture of one colour are zeros; transparency is white', async () => {
    const plain = await picture(10, 1).png().toBuffer();
    expect(await greyPixels(plain)).toEqual(new Float32Array(greyPixelCount));
    const half = await picture(0, 0)
      .composite([{ input: await picture(0, 1).resize(25, 30).png().toBuffer(), left: 0, top: 0 }])
      .png()
      .toBuffer();
    const found = await greyPixels(half);
    expect([found[0], found[23]].map((value) => Math.sign(value ?? 0))).toEqual([-1, 1]);
  });
});

describe('features of an example', () => {
  const exampleOf = (fields: Example['fields'], images: readonly string[] = ['a']): Example => ({
    ...{ id: 'one', task: 'shows', split: 'train', images, fields, label: 'yes', groupKey: 'one' },
  });
  const pixelsOf = (digest: string) => Promise.resolve(new Float32Array(greyPixelCount).fill(digest.charCodeAt(0)));

  it('are the pixels, and a group for each value of the prompt fields with few values', async () => {
    const captions = Array.from({ length: 40 }, (_, i) =>
      exampleOf({ what: i % 2 === 0 ? 'cat' : 'dog', caption: `caption ${String(i)}`, same: 'x' }),
    );
    const features = new PixelFeatures(captions);
    expect(features.fields).toEqual(['what']);
    expect(features.groupCount).toBe(2);
    const { vector, groups } = await features.of(exampleOf({ what: 'dog' }, ['b']), pixelsOf);
    expect([...new Set(vector)]).toEqual(['b'.charCodeAt(0)]);
    expect(groups).toEqual([1]);
    expect((await features.of(exampleOf({ what: 'bird' }), pixelsOf)).groups).toEqual([]);
  });

  it('are the pixels of all pictures as shown, those of the context first; one that lacks is zeros', async () => {
    const pair = { ...exampleOf({}, ['a', 'b', 'c']), candidates: [[{ image: 2 }], [{ text: 'x' }, { image: 1 }]] };
    expect(picturesOf(pair)).toEqual(['a', 'c', 'b']);
    const features = new PixelFeatures([pair, exampleOf({}, ['d'])]);
    const { vector } = await features.of(exampleOf({}, ['d']), pixelsOf);
    expect(vector).toHaveLength(3 * greyPixelCount);
    expect([0, 1, 2].map((i) => vector[i * greyPixelCount])).toEqual(['d'.charCodeAt(0), 0, 0]);
  });
});
