/** Path of a program's compiled form, written by the tests' set-up (compile.ts). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';

/** @param program its source, relative to the project's root */
export function compiled(program: string): string {
  return programAt(pathToFileURL(join(projectRoot, program))).path;
}
