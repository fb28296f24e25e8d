/** Where two JSON documents differ. */
import { canonicalJson, type Json } from './json.ts';

export interface Difference {
  /** `arms.mt-rl.groupSize` */
  readonly path: string;
  /** undefined: not in that document. */
  readonly there: Json | undefined;
  readonly here: Json | undefined;
}

/** In the order of the paths of `there`, then what only `here` has. */
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
