/**
 * What must be so around a worker for it to take work: the servers that answer are its stack's own, its clock agrees
 * with the store's, its disk takes a file. Where one is not so, every activity of this worker would fail, while those
 * of another worker succeed: so this one stops polling until it is so again.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { fileError } from '../artifacts/store/file-error.ts';
import { describeError, MtrlError } from '../core/errors.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { proveStore, refusalOf } from '../infra/stack/store-proof.ts';
import { proveTemporal } from '../infra/stack/temporal-proof.ts';

/** As much as a small artifact: a disk with less is full. */
const probeByteLength = 64 * 1024;

/** Why the worker must not poll; undefined if it may. An unreachable server is no reason: work waits for it. */
export async function unfitness(
  connection: NativeConnection,
  { temporal, s3 }: StackSettings,
  spoolFolder: string | undefined,
): Promise<string | undefined> {
  const checks = [
    () => proveTemporal(connection, temporal),
    () => proveStore(s3),
    () => checkClock(s3),
    () => checkDisk(spoolFolder),
  ];
  for (const check of checks) {
    const reason = await check().then(
      () => undefined,
      (error: unknown) => (error instanceof MtrlError ? describeError(error) : undefined),
    );
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function checkClock(s3: StackSettings['s3']): Promise<void> {
  if ((await refusalOf(s3)) !== 'RequestTimeTooSkewed') return;
  throw new MtrlError('CLOCK_SKEWED', "the clock of this machine differs from the store's by more than 15 minutes", {
    where: s3.endpoint,
    found: `RequestTimeTooSkewed at ${new Date().toISOString()}`,
    hint: 'set the clock; the worker then continues by itself',
  });
}

async function checkDisk(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  const path = join(folder, 'probe');
  try {
    await writeFile(path, new Uint8Array(probeByteLength));
    await rm(path, { force: true });
  } catch (cause) {
    await rm(path, { force: true }).catch(() => undefined);
    throw fileError(cause) ?? notWritable(folder, cause as Error);
  }
}

function notWritable(folder: string, cause: Error): MtrlError {
  return new MtrlError('FILE_NOT_WRITABLE', 'the folder of this worker is not writable', {
    where: folder,
    found: cause.message,
    hint: 'make it writable; the worker then continues by itself',
    cause,
  });
}
