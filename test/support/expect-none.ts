import { expect } from 'vitest';

/** Fails with every finding in its message: a finding names its file and line. */
export function expectNone(findings: readonly string[]): void {
  expect(findings, `\n${findings.join('\n')}\n`).toEqual([]);
}
