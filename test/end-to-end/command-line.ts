/** Runs `mtrl` as a user does, on a test's own stack. */
import { expect } from 'vitest';
import { type Ended, mtrlOn } from '../support/commands.ts';

export function mtrlAt(home: string, ...args: readonly string[]): Promise<Ended> {
  return mtrlOn(home, args);
}

/** Runs `mtrl --json` and expects exactly one JSON document on stdout, and exit code 0. */
export async function mtrlJsonAt(home: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await mtrlAt(home, ...args, '--json');
  expect(code, err).toBe(0);
  return JSON.parse(out) as Record<string, unknown>;
}
