/**
 * Keys of policy states: the snapshot's digest, then the digest of each step record since. A key that is a prefix of
 * another is an earlier state of the same training.
 */
import type { PolicyState } from '../../contract/activities.ts';

export type StateKey = readonly string[];

export function keyOfState({ snapshot, log }: PolicyState): StateKey {
  return [snapshot.sha256, ...log.map(({ sha256 }) => sha256)];
}

/** Length of `held` if it is a prefix of `wanted`, else 0: the part of `wanted` that need not be done again. */
export function commonLength(held: StateKey, wanted: StateKey): number {
  return held.length <= wanted.length && held.every((digest, i) => digest === wanted[i]) ? held.length : 0;
}
