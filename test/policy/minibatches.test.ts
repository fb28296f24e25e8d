import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minibatchPrompts } from '../../policy/algorithms/minibatches.ts';

const sizes = fc.record({
  promptCount: fc.integer({ min: 1, max: 60 }),
  updateCount: fc.integer({ min: 1, max: 60 }),
  epochCount: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
  step: fc.nat(),
});

test('every pass shows every prompt once, in minibatches of equal size to within one', () => {
  fc.assert(
    fc.property(sizes, ({ promptCount, step, ...minibatches }) => {
      const updates = minibatchPrompts(promptCount, step, minibatches);
      const { updateCount, epochCount } = minibatches;
      expect(updates).toHaveLength(updateCount * epochCount);
      for (let epoch = 0; epoch < epochCount; epoch++) {
        const pass = updates.slice(epoch * updateCount, (epoch + 1) * updateCount);
        expect(pass.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: promptCount }, (_, i) => i));
        const lengths = pass.map(({ length }) => length);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('the split is a function of seed, step and pass, and differs between them', () => {
  const split = (step: number, seed: number) => minibatchPrompts(16, step, { updateCount: 2, epochCount: 2, seed });
  expect(split(3, 0)).toEqual(split(3, 0));
  const passes = [split(3, 0), split(4, 0), split(3, 1)].flatMap((updates) => [updates.slice(0, 2), updates.slice(2)]);
  expect(new Set(passes.map((pass) => JSON.stringify(pass))).size).toBe(6);
});

test('one update a pass keeps the order of the prompts', () => {
  expect(minibatchPrompts(3, 0, { updateCount: 1, epochCount: 2, seed: 5 })).toEqual([
    [0, 1, 2],
    [0, 1, 2],
  ]);
});
