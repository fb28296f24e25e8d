/** Paths in a recipe: relative to its file when written, absolute when sent, because workers run elsewhere. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MtrlError } from '../core/errors.ts';
import { isHubAddress } from '../core/hub-address.ts';
import { dispensableDatasets } from './absent-data.ts';
import type { Recipe } from './recipe.ts';
import { pathText, type RecipePath } from './checks/problem.ts';
import { memberOf } from './checks/schema-walk.ts';

type Mutable = Record<string, unknown>;

/**
 * A copy of a recipe document with absolute paths and without `dataFolder`. Values that are not text are left for the
 * schema to reject.
 */
export function withAbsolutePaths(recipe: unknown, folder: string): unknown {
  if (!isObject(recipe)) return recipe;
  const copy: Mutable = structuredClone(recipe);
  const dataFolder = typeof copy['dataFolder'] === 'string' ? absolute(copy['dataFolder'], folder) : folder;
  if (typeof copy['dataFolder'] === 'string') delete copy['dataFolder'];
  for (const key of ['checkpoint', 'config']) makeAbsolute(copy['policy'], key, folder);
  const datasets = copy['datasets'];
  if (Array.isArray(datasets)) {
    for (const dataset of datasets) for (const key of ['path', 'imageFolder']) makeAbsolute(dataset, key, dataFolder);
  }
  return copy;
}

function makeAbsolute(holder: unknown, key: string, folder: string): void {
  const value = memberOf(holder, key);
  if (typeof value === 'string' && value !== '' && isObject(holder)) holder[key] = absolute(value, folder);
}

/** Addresses are already absolute; a path below the address of a folder becomes an address. */
function absolute(place: string, folder: string): string {
  if (isRemote(place)) return place;
  return isRemote(folder) ? `${folder.replace(/\/+$/, '')}/${place.replace(/^\.\//, '')}` : resolve(folder, place);
}

function isRemote(place: string): boolean {
  return place.startsWith('s3://') || isHubAddress(place);
}

function isObject(value: unknown): value is Mutable {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Every local file and folder that the recipe needs, with its place in the recipe; for a glob, the folder that it
 * starts from.
 */
export function filesOf(recipe: Recipe): readonly { readonly path: RecipePath; readonly file: string }[] {
  const policy = Object.entries(recipe.policy ?? {}).flatMap(([key, file]) =>
    typeof file === 'string' && !isRemote(file) ? [{ path: ['policy', key], file }] : [],
  );
  const dispensable = dispensableDatasets(recipe);
  const data = recipe.datasets.flatMap((dataset, i) => {
    if (dataset.reader === 'judge-world' || dispensable.includes(i)) return [];
    const { path, imageFolder } = dataset;
    const start = path.search(/[*?{]/);
    const named = [
      // a file name may contain pattern characters
      { path: ['datasets', i, 'path'], file: start < 0 || existsSync(path) ? path : dirname(path.slice(0, start + 1)) },
      ...(imageFolder === undefined ? [] : [{ path: ['datasets', i, 'imageFolder'], file: imageFolder }]),
    ];
    return named.filter(({ file }) => !isRemote(file));
  });
  return [...policy, ...data];
}

/**
 * Checks that the recipe's files exist, if its workers share this file system; elsewhere the activities check. `data`
 * ignores the policy. Throws FILE_MISSING.
 */
export function requireFiles(recipe: Recipe, needed: 'all' | 'data' = 'all'): void {
  const named = filesOf(recipe).filter(({ path }) => needed === 'all' || path[0] === 'datasets');
  const missing = named.filter(({ file }) => !existsSync(file));
  const [first] = missing;
  if (first === undefined) return;
  const lines = missing.map(({ path, file }) => `  ${pathText(path)}: ${file}`);
  throw new MtrlError('FILE_MISSING', `the recipe names files that do not exist\n${lines.join('\n')}`, {
    hint: `paths are relative to the recipe's folder (datasets: to dataFolder if set); change one with --set ${pathText(first.path)}=...`,
  });
}
