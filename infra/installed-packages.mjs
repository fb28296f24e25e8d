/**
 * Checks whether node_modules matches package-lock.json, whoever installed it. npm writes
 * `node_modules/.package-lock.json` when an install is complete, and not before. Plain JavaScript: bootstrap.mjs runs
 * before any package is installed.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Paths of packages that are missing or have another version, at most five; empty if the install is complete. Optional
 * packages count if they are built for this platform (native parts of other packages); of variants for different C
 * libraries one is enough.
 *
 * @param {string} root project folder
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
    // The file was cut off while it was being written.
    return {};
  }
}

function isForThisPlatform({ optional, os = [], cpu = [] }) {
  return optional === true && os.includes(process.platform) && cpu.includes(process.arch);
}

function withoutLibc(path) {
  return path.replace('linuxmusl', 'linux').replace(/-(gnu|musl)$/, '');
}
