/** How long objects are safe from a garbage collection (garbage.ts) after they were written or used. */

/** While anything runs, objects written or used within this time are never collected. */
export const youngMs = 60 * 60_000;

/**
 * Whether the object need not be touched yet, because it stays young for at least half of `youngMs`. Both times are by
 * the store's clock.
 */
export function isFresh(modifiedAtMs: number, nowMs: number): boolean {
  return nowMs - modifiedAtMs < youngMs / 2;
}
