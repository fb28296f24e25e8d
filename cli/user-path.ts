import { resolve } from 'node:path';

/** Resolves a path from the user's working directory: npm starts scripts in the project's folder. */
export function userPath(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', path);
}
