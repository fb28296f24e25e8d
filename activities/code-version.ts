/** Which code made a result: part of every key, so that changed code never finds what other code made (DESIGN section 5.2). */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, sha256 } from '../core/json.ts';

/** Rooms whose code decides bytes; workflows, workers, infra and cli only carry them about. */
const rooms = ['activities', 'artifacts', 'core', 'judge', 'policy'] as const;
/** What only shows results: a report of other looks must not make everything anew. */
const shownOnly = join('judge', 'report');
/** Packages whose results are in ours, bit by bit. */
const packages = [
  'onnxruntime-node',
  'sharp',
  '@julusian/jpeg-turbo',
  '@huggingface/tokenizers',
  '@huggingface/jinja',
] as const;

/** sha256 over the rooms' sources and the versions of what computes for them. Reads about a hundred files: once a process. */
export function codeVersionOf(projectRoot: string = ownRoot): string {
  const sources = rooms.flatMap((room) => sourcesUnder(join(projectRoot, room)));
  const digests = sources
    .map((path) => [relative(projectRoot, path), sha256(readFileSync(path))] as const)
    .filter(([path]) => !path.startsWith(shownOnly));
  const versions = packages.map((name) => [name, versionOf(projectRoot, name)] as const);
  return digestOf({ sources: Object.fromEntries(digests), packages: Object.fromEntries(versions) });
}

const ownRoot = join(dirname(fileURLToPath(import.meta.url)), '..');

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|wasm)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function versionOf(projectRoot: string, name: string): string {
  const manifest = join(projectRoot, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
