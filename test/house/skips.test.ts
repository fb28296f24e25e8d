/** Skipped tests record their reason in one place. A missing program fails a test if MTRL_TEST_NEEDS is `all`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectNone } from '../support/expect-none.ts';
import { needPrometheus, needSharedData } from '../support/needs.ts';
import { reasonsVariable } from '../support/skip-reasons.ts';
import { skipLines } from '../support/skip-reporter.ts';
import { linesMatching, projectFiles } from '../support/source-files.ts';

describe('a skipped test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-skips-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is recorded with its file and reason', () => {
    const file = join(folder, 'reasons');
    vi.stubEnv(reasonsVariable, file);
    vi.stubEnv('MTRL_TEST_NEEDS', '');
    vi.stubEnv('PATH', '');
    expect(needPrometheus().isMissing).toBe(true);
    expect(needSharedData('no-such-data').isMissing).toBe(true);
    const [program = '', data = ''] = readFileSync(file, 'utf8').split('\n');
    expect(JSON.parse(program)).toEqual([
      'test/house/skips.test.ts',
      'no prometheus and promtool on PATH (install the package prometheus)',
    ]);
    expect(data).toContain('no ../shared/data/no-such-data beside the checkout');
  });

  it('fails if a program is missing although all are required, and says what to install', () => {
    vi.stubEnv('MTRL_TEST_NEEDS', 'all');
    vi.stubEnv('PATH', '');
    expect(() => needPrometheus()).toThrow('install the package prometheus');
    vi.stubEnv(reasonsVariable, undefined);
    expect(needSharedData('no-such-data').isMissing).toBe(true);
  });

  it('is counted per file with its reasons, and the totals take one line', () => {
    const counts = [
      { file: 'a.test.ts', passed: 3, failed: 0, skipped: 2 },
      { file: 'b.test.ts', passed: 4, failed: 1, skipped: 1 },
    ];
    expect(skipLines(counts, [['a.test.ts', 'no chromium']])).toEqual([
      'skipped 2 of a.test.ts: no chromium',
      'skipped 1 by the command line or for recording',
      '7 passed, 1 failed, 3 skipped',
    ]);
  });

  it('is skipped through test/support/needs.ts, which records the reason', () => {
    const tests = projectFiles('test').filter((path) => path.endsWith('.test.ts') && !path.startsWith('test/house/'));
    const conditions = /\.(skipIf|runIf|skip)\(/;
    const known = /isMissing|recording|'\/dev\/full'/;
    expectNone(tests.flatMap((path) => linesMatching(path, conditions)).filter((line) => !known.test(line)));
  });
});
