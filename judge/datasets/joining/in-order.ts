/** Work on many items side by side, results in the items' order, no more in memory than are under way. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  inFlightCountMax: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // awaited in its turn; until then its rejection must not count as unhandled
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
