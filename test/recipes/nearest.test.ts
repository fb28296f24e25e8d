import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../recipes/checks/nearest.ts';

test('counts edits: replaced, missing, added and swapped letters', () => {
  expect(editDistance('split', 'split')).toBe(0);
  expect(editDistance('splt', 'split')).toBe(1);
  expect(editDistance('spilt', 'split')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
});

test('the distance is symmetric and at most the length of the longer word', () => {
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

test('finds the nearest field for a misspelled one', () => {
  expect(nearest('groupsize', ['mode', 'groupSize', 'tasks'], 1)).toEqual(['groupSize']);
});
