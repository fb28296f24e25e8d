import { MtrlError } from './errors.ts';

/** An invariant of ours: when it does not hold, the program is wrong, not its input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MtrlError('INVARIANT', message);
}

/** The value that must be there: narrows away undefined and null, naming what was missing. */
export function required<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}
