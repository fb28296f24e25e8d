import { expect, it } from 'vitest';
import { ByteCache } from '../../core/byte-cache.ts';

it('keeps a value of any size up to the whole budget', () => {
  const cache = new ByteCache<string>(100);
  cache.set('small', 's', 10);
  cache.set('large', 'l', 60);
  expect([cache.get('small'), cache.get('large')]).toEqual(['s', 'l']);
  cache.set('all', 'a', 100);
  expect([cache.get('small'), cache.get('large'), cache.get('all')]).toEqual([undefined, undefined, 'a']);
  cache.set('more', 'm', 101);
  expect([cache.get('more'), cache.byteLength]).toEqual([undefined, 100]);
});

it('evicts the least recently used value', () => {
  const cache = new ByteCache<string>(100);
  for (const key of ['a', 'b', 'c']) cache.set(key, key, 30);
  cache.get('a');
  cache.set('d', 'd', 30);
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual(['a', undefined, 'c', 'd']);
  expect(cache.byteLength).toBe(90);
});
