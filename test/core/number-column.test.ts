import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberColumn } from '../../core/number-column.ts';

it('returns the added numbers, also if a later number needs more bytes than the earlier ones', () => {
  const number = fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffffffff));
  fc.assert(
    fc.property(fc.array(number, { maxLength: 3_000 }), (numbers) => {
      const column = new NumberColumn();
      for (const one of numbers) column.push(one);
      expect(Array.from(numbers, (_, i) => column.at(i))).toEqual(numbers);
      expect([column.length, column.at(numbers.length)]).toEqual([numbers.length, undefined]);
    }),
    { numRuns: 30 },
  );
});
