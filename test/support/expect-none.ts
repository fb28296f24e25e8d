import { expect } from 'vitest';

/** Fails with all findings in its message; each names its file and line. */
export function expectNone(findings: readonly string[]): void {
  expect(findings, `\n${findings.join('\n')}\n`).toEqual([]);
}
