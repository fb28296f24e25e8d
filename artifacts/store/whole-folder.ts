/** A folder that appears with all its files or not at all. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { codedFileError, fileError } from './file-error.ts';

/**
 * @param folder must not exist or must be empty
 * @param fill writes the files to the empty folder that it is given
 * Throws USAGE if the folder is not empty.
 */
export async function wholeFolder(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const target = resolve(folder);
  const partial = `${target}.partial-${randomUUID()}`;
  try {
    await mkdir(partial, { recursive: true });
    await fill(partial);
    // Replaces an empty folder, fails for a non-empty one.
    await rename(partial, target).catch((cause: unknown) => {
      throw fileError(cause) ?? notEmpty(target, cause);
    });
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw codedFileError(error);
  }
}

function notEmpty(where: string, cause: unknown): MtrlError {
  return new MtrlError('USAGE', 'the folder cannot be written', {
    where,
    found: cause instanceof Error ? cause.message : String(cause),
    hint: 'name a folder that does not exist yet or is empty',
    cause,
  });
}
