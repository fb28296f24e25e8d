/**
 * Whether node_modules is what package-lock.json asks for, whoever installed it. npm writes `node_modules/.package-lock.json`
 * when an install is complete, and nothing before. Plain JavaScript: bootstrap.mjs runs before any package is there.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/**
 * What is missing or of another version, the first few by path; empty when the install is complete. Optional packages count
 * where they are made for this platform (native parts of other packages); of those that differ in their C library one is enough.
 *
 * @param {string} root of the project
 * @returns {string[]}
 */
export function missingPackages(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const made = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(made)) return ['node_modules/.package-lock.json'];
  const installed = packagesOf(made);
  const isThere = ([path, { version }]) =>
    installed[path]?.version === version &&
    statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true;
  const entries = Object.entries(wanted).filter(([path]) => path !== '');
  const required = entries.filter(([, { optional, devOptional }]) => !optional && !devOptional);
  const native = entries.filter(([, entry]) => isForThisPlatform(entry));
  const present = new Set(native.filter(isThere).map(([path]) => withoutLibc(path)));
  return [...required.filter((entry) => !isThere(entry)), ...native.filter(([path]) => !present.has(withoutLibc(path)))]
    .map(([path]) => path)
    .slice(0, 5);
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    // Cut off in the middle of being written.
    return {};
  }
}

function isForThisPlatform({ optional, os = [], cpu = [] }) {
  return optional === true && os.includes(process.platform) && cpu.includes(process.arch);
}

function withoutLibc(path) {
  return path.replace('linuxmusl', 'linux').replace(/-(gnu|musl)$/, '');
}
