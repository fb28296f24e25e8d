import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/support/skip-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/compile.ts'],
    // Compute processes and workers start compiled (core/program.ts).
    env: { MTRL_COMPILED: '1' },
    // Real servers and native sessions: a fork each, and no more at once than the smallest machine has cores.
    pool: 'forks',
    maxWorkers: 2,
    // They end a test that hangs; no test is decided by a busy machine (test/house/style.test.ts).
    testTimeout: 900_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: 300_000 } },
    reporters: ['dot', new SkipReporter()],
  },
});
