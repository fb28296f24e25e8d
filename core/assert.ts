import { MtrlError } from './errors.ts';

/** An internal invariant: if it does not hold, the program is wrong, not its input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MtrlError('INVARIANT', message);
}

/** Narrows away undefined and null; throws with the name of the missing value. */
export function required<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}
