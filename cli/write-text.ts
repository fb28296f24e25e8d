import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError } from '../artifacts/store/file-error.ts';
import { userPath } from './user-path.ts';

/** Writes a file that the user named, with its folders, and returns its path. Throws DISK_FULL, FILE_NOT_WRITABLE. */
export async function writeText(named: string, text: string): Promise<string> {
  const path = userPath(named);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  } catch (error) {
    throw fileError(error) ?? error;
  }
}
