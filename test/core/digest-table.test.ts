import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DigestTable } from '../../core/digest-table.ts';
import { sha256 } from '../../core/json.ts';

const digestOf = (text: string): Buffer => Buffer.from(sha256(text), 'hex');

it('numbers digests in order of first occurrence, as a map would', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 6_000 }), (numbers) => {
      const table = new DigestTable(12);
      const expected = new Map<number, number>();
      for (const number of numbers) {
        if (!expected.has(number)) expected.set(number, expected.size);
        expect(table.add(digestOf(String(number)))).toBe(expected.get(number));
      }
      expect(table.size).toBe(expected.size);
    }),
    { numRuns: 20 },
  );
});

it('finds every digest after growing over several chunks, and distinguishes digests with the same prefix', () => {
  const table = new DigestTable(32);
  const alike = Array.from({ length: 40_000 }, (_, i) => {
    const digest = Buffer.alloc(32, 7);
    digest.writeUInt32LE(i, 28);
    return i % 100 === 0 ? digest : digestOf(String(i));
  });
  alike.forEach((digest, i) => {
    expect(table.add(digest)).toBe(i);
  });
  for (const i of [0, 100, 16_383, 16_384, 39_999]) {
    const digest = alike[i] ?? Buffer.alloc(0);
    expect([table.add(digest), table.digestAt(i)]).toEqual([i, digest.toString('hex')]);
  }
  expect(table.size).toBe(40_000);
});
