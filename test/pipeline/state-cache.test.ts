import { expect, it } from 'vitest';
import { StateCache, type StateCacheOptions } from '../../pipeline/policies/state-cache.ts';
import type { StateHandle } from '../../policy/engine.ts';

const names = ['a', 'b', 'c', 'd'];

/** A fake store that tracks which states it has. */
class Place {
  readonly kept = new Set<StateHandle>();

  write(byteLength: number): StateHandle {
    const state = { kind: 'made-up', byteLength };
    this.kept.add(state);
    return state;
  }

  discard(state: StateHandle): Promise<void> {
    this.kept.delete(state);
    return Promise.resolve();
  }
}

/** Keeps four states of 100 bytes, one after the other. */
async function keepFour(options: StateCacheOptions) {
  const place = new Place();
  const cache = new StateCache(place, options);
  for (const name of names) await cache.keep([name], place.write(100));
  return { place, cache };
}

const heldOf = (cache: StateCache): string[] => names.filter((name) => cache.holds([name]));

it('keeps the newest states within the byte limit and discards the others', async () => {
  const { cache, place } = await keepFour({ byteLengthMax: 300 });
  expect(heldOf(cache)).toEqual(['b', 'c', 'd']);
  expect(place.kept.size).toBe(3);
});

it('keeps the state that an engine leaves and the one that it loads, however large they are', async () => {
  expect(heldOf((await keepFour({ byteLengthMax: 10 })).cache)).toEqual(['c', 'd']);
});

it('keeps no more states than the count limit, however small they are', async () => {
  expect(heldOf((await keepFour({ countMax: 1 })).cache)).toEqual(['d']);
});

it('keeps pinned states beyond its limits until they are released', async () => {
  const { cache, place } = await keepFour({ countMax: 4 });
  const never = (): Promise<StateHandle> => Promise.reject(new Error('it is here'));
  const pinned = await Promise.all(names.map((name) => cache.pin([name], never)));
  const last = await cache.pin(['e'], () => Promise.resolve(place.write(1)));
  expect(heldOf(cache)).toEqual(names);
  expect(place.kept).toContain(last.state);
  for (const { release } of pinned) await release();
  expect(heldOf(cache)).toEqual(['b', 'c', 'd']);
  expect(place.kept.size).toBe(4);
});

it('forgets a state that could not be fetched, for all waiting calls', async () => {
  const place = new Place();
  const cache = new StateCache(place);
  const failing = [1, 2].map(() => cache.pin(['a'], () => Promise.reject(new Error('no such object'))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const { state } = await cache.pin(['a'], () => Promise.resolve(place.write(1)));
  expect(place.kept).toContain(state);
});

it('drops a lost state and fetches it on next use', async () => {
  const { cache, place } = await keepFour({});
  await cache.drop(['b']);
  expect(heldOf(cache)).toEqual(['a', 'c', 'd']);
  const { state } = await cache.pin(['b'], () => Promise.resolve(place.write(7)));
  expect(state.byteLength).toBe(7);
});
