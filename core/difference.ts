/** Differences between two JSON documents. */
import { canonicalJson, type Json } from './json.ts';

export interface Difference {
  /** `arms.mt-rl.groupSize` */
  readonly path: string;
  /** Values in the two documents; undefined if the path is absent. */
  readonly there: Json | undefined;
  readonly here: Json | undefined;
}

/** Lists the differences: at each level, the members of `there` in order, then those that only `here` has. */
export function differences(
  there: Json | undefined,
  here: Json | undefined,
  path: readonly string[] = [],
): readonly Difference[] {
  if (isBranch(there) && isBranch(here) && Array.isArray(there) === Array.isArray(here)) {
    const [a, b] = [membersOf(there), membersOf(here)];
    return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) =>
      differences(a.get(key), b.get(key), [...path, key]),
    );
  }
  const isEqual =
    there === undefined || here === undefined ? there === here : canonicalJson(there) === canonicalJson(here);
  return isEqual ? [] : [{ path: path.join('.'), there, here }];
}

function isBranch(value: Json | undefined): value is object & Json {
  return typeof value === 'object' && value !== null;
}

function membersOf(value: object): ReadonlyMap<string, Json | undefined> {
  return new Map(Object.entries(value) as [string, Json | undefined][]);
}
