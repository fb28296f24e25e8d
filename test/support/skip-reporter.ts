/** Prints the skipped tests with their reasons after vitest's own summary, then one line of counts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { reasonsVariable } from './skip-reasons.ts';

export interface FileCounts {
  /** Relative to the project's root. */
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export class SkipReporter implements Reporter {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mtrl-skips-'));
  readonly #file = join(this.#folder, 'reasons');

  constructor() {
    writeFileSync(this.#file, '');
    process.env[reasonsVariable] = this.#file;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    const reasons = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as readonly [string, string]);
    rmSync(this.#folder, { recursive: true, force: true });
    process.stdout.write(`${skipLines(modules.map(countsOf), reasons).join('\n')}\n`);
  }
}

/** @param reasons pairs of [test file, reason] */
export function skipLines(counts: readonly FileCounts[], reasons: readonly (readonly [string, string])[]): string[] {
  const sum = (key: 'passed' | 'failed' | 'skipped', files = counts): number =>
    files.reduce((total, one) => total + one[key], 0);
  const named = counts.filter(
    ({ file, skipped }) => skipped > 0 && reasons.some(([skippedFile]) => skippedFile === file),
  );
  const otherCount = sum('skipped') - sum('skipped', named);
  return [
    ...named.map(({ file, skipped }) => {
      const why = new Set(reasons.filter(([skippedFile]) => skippedFile === file).map(([, reason]) => reason));
      return `skipped ${String(skipped)} of ${file}: ${[...why].join('; ')}`;
    }),
    ...(otherCount > 0 ? [`skipped ${String(otherCount)} by the command line or for recording`] : []),
    `${String(sum('passed'))} passed, ${String(sum('failed'))} failed, ${String(sum('skipped'))} skipped`,
  ];
}

/** A file that failed to load counts as one failure. */
function countsOf(module: TestModule): FileCounts {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const test of module.children.allTests()) counts[test.result().state]++;
  if (counts.failed === 0 && module.state() === 'failed') counts.failed++;
  return { file: module.relativeModuleId, ...counts };
}
