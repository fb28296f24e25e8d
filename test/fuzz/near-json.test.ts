import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearJson } from './near-json.ts';

const document = [[1, 2], [3], { a: [1], b: {} }];

it('makes documents that can be written, the same ones of the same seed', () => {
  const texts = () => fc.sample(nearJson(document), { numRuns: 3_000, seed: 1 }).map((made) => JSON.stringify(made));
  const made = texts();
  expect(new Set(made).size).toBeGreaterThan(1_000);
  expect(texts()).toEqual(made);
  expect(document).toEqual([[1, 2], [3], { a: [1], b: {} }]);
});
