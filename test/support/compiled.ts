/** Where the compiled form of a program lies; the tests' set-up has made it (compile.ts). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';

/** @param program its source, from the project's root */
export function compiled(program: string): string {
  return programAt(pathToFileURL(join(projectRoot, program))).path;
}
