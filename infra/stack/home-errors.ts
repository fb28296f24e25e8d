/** Converts errors of a home that cannot be written (read-only, full, no permission) to coded errors with the path. */
import { MtrlError } from '../../core/errors.ts';

const hints: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EACCES: 'this user has no write permission',
  EPERM: 'this user has no write permission',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exhausted',
  ENOTDIR: 'a part of the path is a file',
};

export async function withHomeErrors<T>(home: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw homeError(home, error);
  }
}

/** SETUP_FAILED for a file system error; any other error is returned unchanged. */
export function homeError(home: string, error: unknown): unknown {
  const { code = '', path, message } = error as NodeJS.ErrnoException;
  const why = hints[code];
  if (error instanceof MtrlError || why === undefined) return error;
  return new MtrlError('SETUP_FAILED', 'the folder of the local stack cannot be written', {
    where: path ?? home,
    found: `${why} (${message})`,
    hint: `make ${home} writable, or set MTRL_HOME to another folder`,
    cause: error,
  });
}
