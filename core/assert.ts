import { MtrlError } from './errors.ts';

/** Throws INVARIANT unless the condition holds: a bug in the program, not bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MtrlError('INVARIANT', message);
}

/** Returns the value if it is neither undefined nor null; else throws INVARIANT with its name. */
export function required<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}
