import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../recipes/checks/nearest.ts';

test('edits are counted: replaced, missing, added and swapped letters', () => {
  expect(editDistance('split', 'split')).toBe(0);
  expect(editDistance('splt', 'split')).toBe(1);
  expect(editDistance('spilt', 'split')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
});

test('the distance is symmetric and never longer than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance === 0).toBe(a === b);
    }),
    { numRuns: 100 },
  );
});

test('a misspelt field finds the one that was meant', () => {
  expect(nearest('groupsize', ['mode', 'groupSize', 'tasks'], 1)).toEqual(['groupSize']);
});
