/** Set-up of the whole suite: compiles the project and the tests' own programs, which many tests start in processes of their own. */
import { projectRoot } from '../../core/project.ts';
import { build } from '../../infra/build.mjs';

export async function setup(): Promise<void> {
  await build(projectRoot, ['test']);
}
