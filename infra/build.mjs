/**
 * Compiles the project to plain JavaScript in `dist/` by type stripping, like Node's own loader: types are replaced by
 * spaces, so lines and columns match the source, and nothing is type-checked (`npm run typecheck` does that). The
 * command line, workers and compute processes run from there and start without a loader.
 *
 * A compiled file has the time stamp of its source; if the two differ, it is compiled again. Plain JavaScript, since it
 * runs before anything is compiled.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const rooms = [
  ...['core', 'contract', 'artifacts', 'recipes', 'judge', 'policy', 'pipeline'],
  ...['activities', 'workflows', 'workers', 'infra', 'serve', 'studio', 'cli'],
];

/**
 * Compiles missing and outdated files, and removes compiled files whose source is gone.
 *
 * @param {string} root project folder
 * @param {readonly string[]} more additional folders to compile
 * @returns {Promise<number>} number of compiled files
 * @throws {Error} naming a file that is not TypeScript, or uses syntax that cannot be stripped
 */
export async function build(root, more = []) {
  const dist = join(root, 'dist');
  // A change to this file may change every output.
  const selfMs = statSync(fileURLToPath(import.meta.url)).mtimeMs;
  const wanted = [...rooms, ...more]
    .flatMap((room) => filesBelow(join(root, room)).filter(isProgram))
    .map((source) => ({ source, made: join(dist, compiledName(relative(root, source))) }));
  const stale = wanted.flatMap(({ source, made }) => {
    const { mtimeMs } = statSync(source);
    const before = statSync(made, { throwIfNoEntry: false });
    const isFresh = before && Math.round(before.mtimeMs) === Math.trunc(mtimeMs) && before.ctimeMs > selfMs;
    return isFresh ? [] : [{ source, made, mtime: new Date(Math.trunc(mtimeMs)) }];
  });
  if (stale.length > 0) await compile(stale);
  await bundleStudio(root, selfMs);

  const known = new Set(wanted.map(({ made }) => made));
  const folders = [...rooms, ...more].map((room) => join(dist, room));
  const orphans = folders.flatMap(filesBelow).filter((file) => /\.(?:js|mjs|wasm)$/.test(file) && !known.has(file));
  for (const file of orphans) rmSync(file, { force: true });
  return stale.length;
}

/** The studio's pages as one script for browsers, which needs no other file. */
async function bundleStudio(root, selfMs) {
  const entry = join(root, 'studio', 'client', 'main.tsx');
  const made = join(root, 'dist', 'pages', 'studio.js');
  if (!existsSync(entry)) return;
  const sources = ['studio', 'judge/report'].flatMap((room) => filesBelow(join(root, room)));
  const newestMs = Math.max(selfMs, ...sources.map((source) => statSync(source).mtimeMs));
  if ((statSync(made, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newestMs) return;
  const { build: bundle } = await import('esbuild');
  const partial = `${made}.${process.pid}`;
  await bundle({
    ...{ entryPoints: [entry], outfile: partial, bundle: true, minify: true, format: 'iife', target: 'es2022' },
    ...{ jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'inline', logLevel: 'silent' },
  });
  renameSync(partial, made);
}

async function compile(files) {
  const { transformSync } = await import('amaro');
  for (const { source, made, mtime } of files) {
    const bytes = readFileSync(source);
    const code = source.endsWith('.ts') ? withCompiledNames(stripped(transformSync, source, bytes)) : bytes;
    mkdirSync(dirname(made), { recursive: true });
    // Another process may be loading or compiling the same file.
    const partial = `${made}.${process.pid}`;
    writeFileSync(partial, code);
    utimesSync(partial, mtime, mtime);
    renameSync(partial, made);
  }
}

function stripped(transformSync, source, bytes) {
  try {
    return transformSync(bytes.toString('utf8'), { mode: 'strip-only' }).code;
  } catch (error) {
    throw new Error(`this file cannot be compiled\n  at    ${source}\n  found ${error.message ?? error}`, {
      cause: error,
    });
  }
}

/** Replaces `.ts` by `.js` in imports and in relative `new URL(...)`: equally long, so columns do not move. */
function withCompiledNames(code) {
  return code.replaceAll(/(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])(\.[^'"\n]*)\.ts\2/g, '$1$2$3.js$2');
}

function compiledName(path) {
  return path.replace(/\.ts$/, '.js');
}

/** Whether a file is a source, or a file beside sources that they load. */
function isProgram(path) {
  // Browsers have one file of them all.
  if (/[/\\]studio[/\\]client[/\\]/.test(path)) return false;
  return /\.(?:ts|mjs|wasm)$/.test(path) && !/\.test\.ts$/.test(path);
}

function filesBelow(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}
