/** Calls for all that `take` gives, with at most `countMax` under way; a call may make `take` give more. The first failure ends it. */
export async function drainBounded<T>(
  countMax: number,
  take: () => T | undefined,
  call: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (;;) {
    for (let item = take(); item !== undefined; item = underWay.size < countMax ? take() : undefined) {
      const calling: Promise<void> = call(item).finally(() => underWay.delete(calling));
      underWay.add(calling);
    }
    if (underWay.size === 0) return;
    await Promise.race(underWay);
  }
}

/** Maps with at most `countMax` calls under way; results in the order of the items. The first failure ends it. */
export async function mapBounded<T, R>(
  countMax: number,
  items: readonly T[],
  call: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [i, item] of queue) {
      if (failed) return;
      try {
        results[i] = await call(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(countMax, items.length) }, work));
  return results;
}

/** At most `countMax` items at a time. */
export async function* batchesOf<T>(
  items: AsyncIterable<T> | Iterable<T>,
  countMax = 1_000,
): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    if (batch.push(item) < countMax) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
