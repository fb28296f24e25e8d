/**
 * Runs `compute` for each item, several at a time, started and returned in item order. Rejects with the first failure
 * once all started calls have ended.
 * @param countMax maximum number of concurrent calls
 * @param compute `turn` is the promise of the previous item's call
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
