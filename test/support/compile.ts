/** Global set-up: compiles the project and the tests' own programs, which many tests start as processes. */
import { projectRoot } from '../../core/project.ts';
import { build } from '../../infra/build.mjs';

export async function setup(): Promise<void> {
  await build(projectRoot, ['test']);
}
