/** A copy of the compiled project in which writes that must not replace anything do. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';

const file = join('artifacts', 'store', 's3-object-store.js');
const condition = /\{\s*'if-none-match': '\*'\s*\}/;

const notLinked = new Set(['dist', '.mtrl', '.git']);

/** Runs the body with the folder of the compiled copy. */
export async function plantedBuild<T>(build: string, body: (folder: string) => Promise<T>): Promise<T> {
  const root = join(projectRoot, '.mtrl', 'planted');
  const folder = join(root, 'dist');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  // What a build reads beside itself: packages, recipes, and the sources, whose digests are in the keys of results.
  for (const name of readdirSync(projectRoot).filter((each) => !notLinked.has(each)))
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
