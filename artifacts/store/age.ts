/** How long what was written or used is safe from a garbage collection (garbage.ts). */

/** While something runs, what was written or used within this time is never collected. */
export const youngMs = 60 * 60_000;

/** It need not be made young again yet: it stays so for half of that time at least. Both by the store's clock. */
export function isFresh(modifiedAtMs: number, nowMs: number): boolean {
  return nowMs - modifiedAtMs < youngMs / 2;
}
