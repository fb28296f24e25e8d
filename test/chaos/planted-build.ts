/** A copy of the compiled project in which writes that must not replace anything do. */
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';

const file = join('artifacts', 'store', 's3-object-store.js');
const condition = /\{\s*'if-none-match': '\*'\s*\}/;

/** Runs the body with the folder of the compiled copy. */
export async function plantedBuild<T>(build: string, body: (folder: string) => Promise<T>): Promise<T> {
  const root = join(projectRoot, '.mtrl', 'planted');
  const folder = join(root, 'dist');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  // What a build reads beside itself.
  for (const name of ['node_modules', 'package.json', 'package-lock.json', 'recipes'])
    symlinkSync(join(projectRoot, name), join(root, name));
  cpSync(build, folder, { recursive: true });
  try {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    assert(condition.test(text), `no conditional write in ${file}`);
    writeFileSync(path, text.replace(condition, '{}'));
    return await body(folder);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
