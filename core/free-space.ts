import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface FreeSpace {
  /** The nearest folder above the path that exists, or the path. */
  readonly folder: string;
  readonly byteLength: number;
  readonly fileCount: number;
}

/** Free space, for a user without privileges, of the disk that holds the path; the path need not exist. */
export function freeSpace(path: string): FreeSpace {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize, ffree } = statfsSync(folder);
  return { folder, byteLength: bavail * bsize, fileCount: ffree };
}
