import { defineConfig } from 'vitest/config';
import { FoldersInTurn } from './test/support/folders-in-turn.ts';
import { SkipReporter } from './test/support/skip-reporter.ts';

/**
 * Tests that leave their process as they found it and mock no module: one process runs many of these files, which saves
 * the start of a process and the loading of shared modules for each.
 */
const sharing = ['artifacts', 'core', 'house', 'judge', 'pipeline', 'recipes', 'report'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

const common = {
  // Compute processes and workers start compiled (core/program.ts).
  env: { MTRL_COMPILED: '1' },
  // Not threads: real servers and native sessions.
  pool: 'forks' as const,
  // They end a test that hangs; no test is decided by a busy machine (test/house/style.test.ts).
  testTimeout: 900_000,
  hookTimeout: 900_000,
  expect: { poll: { timeout: 300_000 } },
};

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'isolated', include: ['test/**/*.test.ts'], exclude: sharing } },
      { test: { ...common, name: 'sharing', include: sharing, isolate: false } },
    ],
    globalSetup: ['test/support/compile.ts'],
    // One more than the smallest machine has cores: the longest files wait for servers, timers and restarted workers
    // much of their time.
    maxWorkers: 3,
    sequence: { sequencer: FoldersInTurn },
    reporters: ['dot', new SkipReporter()],
  },
});
