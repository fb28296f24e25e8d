import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { nearHashes, type HashedItem } from '../../judge/datasets/joining/near-hashes.ts';
import { hashOfGrey, perceptualHash, type PerceptualHash } from '../../judge/datasets/joining/perceptual-hash.ts';

function distanceOf(a: PerceptualHash, b: PerceptualHash): number {
  const bits = (word: number): number => (word >>> 0).toString(2).replaceAll('0', '').length;
  return bits(a[0] ^ b[0]) + bits(a[1] ^ b[1]);
}

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Few bits on few bases, so that many hashes are near. */
const item = fc
  .tuple(
    fc.constantFrom([0, 0], [0xffff0000, 0x0f0f0f0f]),
    fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 7 }),
    fc.constantFrom(1, 2, 4),
  )
  .map(([base, flips, sides]): HashedItem => {
    const hash: [number, number] = [...base];
    for (const bit of flips) hash[bit >> 5 ? 1 : 0] ^= 1 << (bit & 31);
    return { hash: [hash[0] >>> 0, hash[1] >>> 0], sides };
  });

describe('near hashes', () => {
  test('are the same as by comparing all pairs, each pair once', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), fc.integer({ min: 0, max: 10 }), (items, distanceMax) => {
        const found = nearHashes(items, distanceMax).flatMap(({ items: members, distance }) =>
          members.flatMap((i, at) => members.slice(at + 1).map((j) => [Math.min(i, j), Math.max(i, j), distance])),
        );
        const across = found.filter(([i = 0, j = 0, distance]) => {
          const [a, b] = [items[i], items[j]];
          return a && b && a.sides !== b.sides && distanceOf(a.hash, b.hash) === distance;
        });
        const expected = items.flatMap((a, i) =>
          items.slice(i + 1).flatMap((b, k) => {
            const distance = distanceOf(a.hash, b.hash);
            return a.sides !== b.sides && distance <= distanceMax ? [[i, i + 1 + k, distance]] : [];
          }),
        );
        const key = (pair: readonly (number | undefined)[]): string => pair.join();
        expect([...new Set(across.map(key))].sort()).toEqual(expected.map(key).sort());
      }),
    );
  });

  test('finds every near pair of 100,000 images at 6 bits', () => {
    const rng = new Rng('hashes');
    const items = Array.from({ length: 100_000 }, (_, i): HashedItem => ({
      hash: [rng.word(), rng.word()],
      sides: 1 << (i % 3),
    }));
    for (let i = 0; i < 600; i += 3) {
      const [high, low] = items[i]?.hash ?? [0, 0];
      items[i + 1] = { hash: [(high ^ (1 << (i % 32))) >>> 0, (low ^ (5 << (i % 28))) >>> 0], sides: 2 };
    }
    const found = nearHashes(items, 6);
    expect(found.filter(({ items: [i = 0, j = 0] }) => Math.min(i, j) < 600 && Math.abs(i - j) === 1)).toHaveLength(
      200,
    );
  });

  test('reports many copies of one picture as one finding', () => {
    const items = Array.from({ length: 20_000 }, (_, i): HashedItem => ({ hash: [1, 2], sides: 1 << (i % 2) }));
    expect(nearHashes(items, 4)).toMatchObject([{ distance: 0, items: { length: 20_000 } }]);
  });

  test('accepts any two words as a hash', () => {
    fc.assert(fc.property(word, word, (a, b) => nearHashes([{ hash: [a, b], sides: 3 }], 0).length === 1));
  });
});

interface Fixture {
  readonly grey: readonly number[];
  readonly bits: string;
}

describe('the perceptual hash', () => {
  const file = new URL('../fixtures/perceptual-hash/hashes.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Fixture[] };

  test.each(cases)('has the same bits as with scipy’s DCT', ({ grey, bits }) => {
    const hash = hashOfGrey(grey) ?? [0, 0];
    expect(hash.map((half) => half.toString(2).padStart(32, '0')).join('')).toBe(bits);
  });

  /** Coloured blobs, smooth like photographs. */
  const picture = (seed: number, edge: number) => {
    const rng = new Rng('picture', seed);
    const blobs = Array.from({ length: 12 }, () => {
      const [x, y, r] = [rng.uniform() * 100, rng.uniform() * 100, 5 + rng.uniform() * 25];
      return `<circle cx="${String(x)}" cy="${String(y)}" r="${String(r)}" fill="hsl(${String(rng.integer(0, 360))} 70% ${String(rng.integer(20, 80))}%)"/>`;
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="${String(edge)}" height="${String(edge)}"><rect width="100" height="100" fill="#888"/>${blobs.join('')}</svg>`;
    return sharp(Buffer.from(svg));
  };
  const hashed = async (bytes: Promise<Buffer>) => (await perceptualHash(await bytes)) ?? [0, 0];

  test('survives another size and another encoding, and distinguishes other pictures', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const original = await hashed(picture(seed, 256).png().toBuffer());
      const smaller = await hashed(picture(seed, 256).resize(120, 120).jpeg({ quality: 60 }).toBuffer());
      const other = await hashed(
        picture(seed + 100, 256)
          .png()
          .toBuffer(),
      );
      expect(distanceOf(original, smaller)).toBeLessThanOrEqual(4);
      expect(distanceOf(original, other)).toBeGreaterThan(10);
    }
  });

  test('is undefined for a picture of one colour, which would be near to everything', async () => {
    const plain = { create: { width: 40, height: 40, channels: 3 as const, background: '#333' } };
    expect(await perceptualHash(await sharp(plain).png().toBuffer())).toBeUndefined();
  });
});
