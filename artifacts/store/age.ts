/** How long written or used objects are safe from a garbage collection (garbage.ts). */

/** While anything runs, objects written or used within this time are never collected. */
export const youngMs = 60 * 60_000;

/** Younger objects need not be touched yet: they stay young for at least half of that time. Both by the store's clock. */
export function isFresh(modifiedAtMs: number, nowMs: number): boolean {
  return nowMs - modifiedAtMs < youngMs / 2;
}
