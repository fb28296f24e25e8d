/** How to start one of the project's programs in a separate process. */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCompiled, projectRoot } from './project.ts';

export interface Program {
  readonly path: string;
  /** Node options: none for a compiled program, else a TypeScript loader. */
  readonly execArgv: readonly string[];
}

/**
 * Resolves a program: to its compiled file if this code is compiled or MTRL_COMPILED is 1, else to its source, run with
 * a loader. Tests run from sources but set MTRL_COMPILED after compiling, because a loader takes a second per process.
 *
 * @param url `new URL('./program.ts', import.meta.url)`
 */
export function programAt(url: URL): Program {
  const path = fileURLToPath(url);
  if (isCompiled) return { path, execArgv: [] };
  if (process.env['MTRL_COMPILED'] === '1')
    return { path: join(projectRoot, 'dist', relative(projectRoot, path).replace(/\.ts$/, '.js')), execArgv: [] };
  return { path, execArgv: ['--import', import.meta.resolve('tsx')] };
}
