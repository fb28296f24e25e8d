import { expect, test } from 'vitest';
import { thinned } from '../../studio/reading/curves.ts';

const point = (step: number) => ({
  ...{ step, loss: 0, gradientNorm: step % 2, learningRate: 1, reward: step },
  ...(step === 3 && { klMean: 5 }),
  byTask: [{ task: step < 2 ? 'a' : 'b', rolloutCount: 4, reward: step, accuracy: 1, format: 1 }],
});

test('a short curve stays as it is', () => {
  const points = Array.from({ length: 400 }, (_, step) => point(step));
  expect(thinned(points)).toBe(points);
});

test('a long curve becomes means of neighbours at the first step of each, also by task', () => {
  const points = Array.from({ length: 1_001 }, (_, step) => point(step));
  const thin = thinned(points);
  expect(thin).toHaveLength(334);
  expect(thin.map(({ step }) => step).slice(0, 3)).toEqual([0, 3, 6]);
  expect(thin[0]).toMatchObject({ reward: 1, gradientNorm: 1 / 3 });
  expect(thin[0]?.klMean).toBeUndefined();
  // Over the points that have it.
  expect(thin[1]?.klMean).toBe(5);
  expect(thin[0]?.byTask?.map(({ task, reward }) => [task, reward])).toEqual([
    ['a', 0.5],
    ['b', 2],
  ]);
  expect(thin.at(-1)).toMatchObject({ step: 999, reward: 999.5 });
});
