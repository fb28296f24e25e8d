import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';

test('fills the same words as single calls return, for any block sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 11 }), { maxLength: 8 }), fc.nat({ max: 5 }), (lengths, before) => {
      const [filled, single] = [new Rng('fill'), new Rng('fill')];
      for (let i = 0; i < before; i++) expect(filled.word()).toBe(single.word());
      for (const length of lengths) {
        const words = new Uint32Array(length);
        filled.fill(words);
        expect([...words]).toEqual(Array.from({ length }, () => single.word()));
      }
      expect(filled.word()).toBe(single.word());
    }),
  );
});
