import { existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { proven } from '../../../artifacts/store/stream-digest.ts';
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import { artifactAt } from '../../artifact-at.ts';
import { say } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';
import { userPath } from '../../user-path.ts';

export function addFetch(command: Command): void {
  command
    .argument('<address>', 's3://..., as shown in results, errors and reports')
    .option('--to <file>', 'write to this file instead of stdout')
    .action(async (address: string, { to }: { readonly to?: string }) => {
      await withStack({ startMissing: false }, async ({ store }) => {
        const ref = await artifactAt(store, address);
        if (to === undefined) await print(store, ref);
        else await write(store, ref, userPath(to));
      });
    });
}

async function write(store: ArtifactStore, ref: ArtifactRef, path: string): Promise<void> {
  if (existsSync(path))
    throw new MtrlError('USAGE', 'the file already exists', { where: path, hint: 'name another one' });
  await store.getToFile(ref, path);
  say(`${path}: ${String(ref.byteLength)} bytes, sha256 ${ref.sha256}`);
}

/** Writes the artifact to stdout; the reader may stop in the middle (`| head`). */
async function print(store: ArtifactStore, ref: ArtifactRef): Promise<void> {
  const source = required(await store.objects.open(store.keyOf(ref)), ref.uri);
  const all = (bytes: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> => proven(bytes, ref, ref.uri);
  await pipeline(source, all, process.stdout, { end: false }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  });
}
