/** How a program of ours starts in a process of its own. */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCompiled, projectRoot } from './project.ts';

export interface Program {
  readonly path: string;
  /** What Node needs to run it: nothing where it is compiled, else a loader of TypeScript. */
  readonly execArgv: readonly string[];
}

/**
 * From the compiled form the compiled program; from sources the source, with a loader. Tests run sources and set
 * MTRL_COMPILED, once they have compiled all: a loader takes a second in every process.
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
