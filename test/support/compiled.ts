/** A program of the tests as plain JavaScript, for those that are started so often that a loader's second each would count. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { projectRoot } from '../../infra/stack/settings.ts';
import { SourceTree } from '../../pipeline/code/source-tree.ts';

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/** Writes the program, and all of ours that it loads, below `folder`, where `node_modules` is found. Returns its path. */
export function compiled(program: string, folder = join(projectRoot, 'node_modules', '.cache', 'mtrl-test')): string {
  const { sources } = new SourceTree(projectRoot).reachedFrom([program]);
  for (const path of sources) {
    const file = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      ts.transpileModule(readFileSync(join(projectRoot, path), 'utf8'), { compilerOptions }).outputText,
    );
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return join(folder, program.replace(/\.ts$/, '.js'));
}
