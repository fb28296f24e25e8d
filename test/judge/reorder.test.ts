import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Example } from '../../judge/example.ts';
import { swapPair } from './swap-pair.ts';

const labels: readonly [string, string] = ['first', 'second'];
const pair: fc.Arbitrary<Example> = fc.record({
  id: fc.stringMatching(/^[a-z/0-9]{1,12}$/),
  task: fc.constant('pair'),
  split: fc.constant('test' as const),
  images: fc.tuple(fc.string(), fc.string()),
  fields: fc.dictionary(fc.string(), fc.string()),
  label: fc.constantFrom(...labels),
  groupKey: fc.string(),
});

test('a swapped pair shows the same pictures in the other order, with the label on the same picture', () => {
  fc.assert(
    fc.property(pair, (stored) => {
      const swapped = swapPair(stored, labels);
      const chosen = (example: Example): string | undefined => example.images[labels.indexOf(example.label)];
      expect(chosen(swapped)).toBe(chosen(stored));
      expect(swapped.images).toEqual([stored.images[1], stored.images[0]]);
      expect(swapped).toMatchObject({ id: `${stored.id}#swapped`, groupKey: stored.groupKey, fields: stored.fields });
    }),
  );
});

test('swapping twice returns the original pair', () => {
  fc.assert(
    fc.property(pair, (stored) => {
      expect(swapPair(swapPair(stored, labels), labels)).toEqual(stored);
    }),
  );
});

test('a swap drops a rationale that speaks of first and second', () => {
  const [stored] = fc.sample(pair, 1);
  expect(swapPair({ ...(stored as Example), rationale: 'first flame second none' }, labels)).not.toHaveProperty(
    'rationale',
  );
});

test('an example without two images cannot be swapped', () => {
  const [stored] = fc.sample(pair, 1);
  expect(() => swapPair({ ...(stored as Example), images: ['a'] }, labels)).toThrow(/no order of 2/);
});

test('labels may look like a ranking', () => {
  const [stored] = fc.sample(pair, 1);
  const written: readonly [string, string] = ['A > B', 'B > A'];
  expect(swapPair({ ...(stored as Example), label: 'A > B' }, written).label).toBe('B > A');
});
