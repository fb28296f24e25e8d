import type { Command } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { openLibrary } from '../../../studio/library.ts';
import { serveStudio } from '../../../studio/server/serve-studio.ts';
import { print } from '../../show/output.ts';
import { runningExperiments } from '../../temporal/running-experiments.ts';
import { withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';

const usualPort = 8720;

export function addStudio(command: Command): void {
  command
    .option('--port <port>', 'port on 127.0.0.1; 0 for any free one', wholeNumber, usualPort)
    .action(async ({ port }: { readonly port: number }) => {
      const folder = await mkdtemp(join(tmpdir(), 'mtrl-studio-'));
      try {
        await withStack({ startMissing: false }, async ({ client, store }) => {
          const studio = await serveStudio(openLibrary(store, folder, runningExperiments(client)), { port });
          print(studio.address);
          await interrupted();
          await studio.close();
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
