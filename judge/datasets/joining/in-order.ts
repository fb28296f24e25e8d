/**
 * Processes items concurrently and yields the results in item order; at most `inFlightCountMax` items are in memory.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  inFlightCountMax: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // awaited later; until then its rejection must not count as unhandled
      result.catch(() => undefined);
      underWay.push(result);
      const first = underWay.length < inFlightCountMax ? undefined : underWay.shift();
      if (first !== undefined) yield await first;
    }
    for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) yield await first;
  } finally {
    await Promise.allSettled(underWay);
  }
}
