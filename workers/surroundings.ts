/**
 * Checks of a worker's environment: the servers are those of its stack, its clock agrees with the store's, its disk is
 * writable. If a check fails, every activity of this worker would fail while those of other workers succeed, so it
 * stops polling until the check passes.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { fileError } from '../artifacts/store/file-error.ts';
import { describeError, MtrlError } from '../core/errors.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { proveStore, refusalOf } from '../infra/stack/store-proof.ts';
import { proveTemporal } from '../infra/stack/temporal-proof.ts';

/** The size of a small artifact: a disk with less space counts as full. */
const probeByteLength = 64 * 1024;

/** What the checks found last. A server that does not answer changes nothing: activities wait for it. */
export class Surroundings {
  readonly #settings: StackSettings;
  readonly #spoolFolder: string | undefined;
  readonly #reasons = new Map<string, string>();

  /** @param spoolFolder folder on the local disk that the activities need */
  constructor(settings: StackSettings, spoolFolder: string | undefined) {
    this.#settings = settings;
    this.#spoolFolder = spoolFolder;
  }

  /** Why the worker must not poll; undefined if it may. */
  async unfitness(connection: NativeConnection): Promise<string | undefined> {
    const { temporal, s3 } = this.#settings;
    const checks = {
      temporal: () => proveTemporal(connection, temporal),
      store: () => proveStore(s3),
      clock: () => checkClock(s3),
      disk: () => checkDisk(this.#spoolFolder),
    };
    for (const [name, check] of Object.entries(checks)) {
      try {
        await check();
        this.#reasons.delete(name);
      } catch (error) {
        if (error instanceof MtrlError) this.#reasons.set(name, describeError(error));
      }
      // A server that was a foreign one, and is now too busy to answer, is still that one.
      const reason = this.#reasons.get(name);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }
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
