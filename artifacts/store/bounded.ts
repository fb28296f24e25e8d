/**
 * Processes all items that `take` returns, at most `countMax` in parallel; a call may add items. Rejects at the first
 * failure.
 */
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

/** Groups items into batches of at most `countMax`. */
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
