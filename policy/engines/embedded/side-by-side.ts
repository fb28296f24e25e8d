/**
 * Computes something for each item, several at a time, started and returned in the items' order. Rejects with the first
 * failure, when everything that was started has ended.
 * @param countMax at a time
 * @param compute `turn` resolves when the previously started calls have ended, and rejects if one failed
 */
export async function sideBySide<T, R>(
  items: Iterable<T>,
  countMax: number,
  compute: (item: T, turn: Promise<unknown>) => Promise<R>,
): Promise<R[]> {
  const results: Promise<R>[] = [];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for (const item of items) {
    if (running.size >= countMax) await Promise.race(running);
    if (failures.length > 0) break;
    const result = compute(item, results.at(-1) ?? Promise.resolve());
    results.push(result);
    const ended = result.then(
      () => undefined,
      (error: unknown) => {
        failures.push(error);
      },
    );
    running.add(ended);
    void ended.then(() => running.delete(ended));
  }
  await Promise.all(running);
  return Promise.all(results);
}
