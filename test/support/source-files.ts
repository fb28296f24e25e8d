/** The project's own files as text, and the imports of its TypeScript files. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { projectRoot } from '../../core/project.ts';

/** Third-party files, and files written by runs or tools. */
const skipped = new Set(['node_modules', '.git', '.mtrl', 'dist', 'coverage', 'package-lock.json', 'go.sum']);

/** Paths relative to the project's root, with `/`, of all files or of those in one folder. */
export function projectFiles(folder = ''): string[] {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true })
    .filter(({ name }) => !skipped.has(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? projectFiles(path) : entry.isFile() ? [path] : [];
    });
}

export function textOf(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** `path:line: text` for every line that the pattern matches. */
export function linesMatching(path: string, pattern: RegExp): string[] {
  return textOf(path)
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []));
}

export interface Import {
  readonly path: string;
  readonly line: number;
  readonly specifier: string;
  /** Path of a relative specifier's file, from the project's root. */
  readonly target: string | undefined;
  /** Whether the import is erased at run time. */
  readonly isType: boolean;
}

const sources = new Map<string, ts.SourceFile>();

export function sourceOf(path: string): ts.SourceFile {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true);
  sources.set(path, source);
  return source;
}

/** All descendants of a node, and the node itself. */
export function nodesOf(node: ts.Node): ts.Node[] {
  const nodes = [node];
  // The list grows while it is traversed.
  for (const current of nodes) {
    ts.forEachChild(current, (child) => {
      nodes.push(child);
    });
  }
  return nodes;
}

export function lineOf(node: ts.Node): number {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

/** Static, dynamic and type imports, and exports from other files. */
export function importsOf(path: string): Import[] {
  return nodesOf(sourceOf(path)).flatMap((node) => {
    const named = specifierOf(node);
    if (named === undefined) return [];
    const { specifier, isType } = named;
    const target = specifier.startsWith('.')
      ? relative(projectRoot, join(projectRoot, dirname(path), specifier)).replaceAll('\\', '/')
      : undefined;
    return [{ path, line: lineOf(node), specifier, target, isType }];
  });
}

function specifierOf(node: ts.Node): { specifier: string; isType: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const { importClause } = node;
    const names = importClause?.namedBindings;
    const everyIsType =
      importClause?.name === undefined &&
      names !== undefined &&
      ts.isNamedImports(names) &&
      names.elements.every((element) => element.isTypeOnly);
    const isType = importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || everyIsType;
    return { specifier: node.moduleSpecifier.text, isType };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier))
    return { specifier: node.moduleSpecifier.text, isType: node.isTypeOnly };
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
    return { specifier: node.argument.literal.text, isType: true };
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteral(argument)) return { specifier: argument.text, isType: false };
  }
  return undefined;
}
