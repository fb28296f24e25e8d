/**
 * Server binaries in the user's cache folder, by version, locked sources and platform, each with its digest:
 *   ~/.cache/mt-rl-judge/bin/minio-2026-02-12-linux-x64/{minio,minio.sha256}
 *   ~/.cache/mt-rl-judge/bin/temporal-1.8.2-1a4cd2f1-linux-x64/{temporal,temporal.sha256}
 * Every lookup verifies the full digest. That takes 0.1 to 0.3 s per binary, and happens only when a server is about to
 * be started.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256 } from '../../core/json.ts';
import { isExecutable } from './locate.ts';
import type { Pin } from './pins.ts';

export function cacheRoot(): string {
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'mt-rl-judge', 'bin');
}

export function cachedPathOf({ name, version, source }: Pin): string {
  const sources = 'module' in source ? locksOf(source.module) : [];
  return join(cacheRoot(), [name, version, ...sources, process.platform, process.arch].join('-'), name);
}

/** A program cached under its version alone would hide that changed module files no longer build it. */
function locksOf(module: string): string[] {
  const files = ['go.mod', 'go.sum'].map((name) => join(module, name)).filter(existsSync);
  // The image of the workers has no module files.
  if (files.length === 0) return [];
  return [sha256(Buffer.concat(files.map((file) => readFileSync(file)))).slice(0, 8)];
}

/** The path of an existing, intact binary; a damaged one is removed, so that it is built again. */
export async function findCached(pin: Pin): Promise<{ path: string } | { missing: string }> {
  const path = cachedPathOf(pin);
  if (!existsSync(path)) return { missing: `${path}: not there` };
  const expected = existsSync(`${path}.sha256`) ? readFileSync(`${path}.sha256`, 'utf8').split(/\s/)[0] : undefined;
  if (isExecutable(path) && expected === (await sha256Of(path))) return { path };
  rmSync(path, { force: true });
  return { missing: `${path}: damaged (its sha256 differs from the recorded one), removed` };
}

/**
 * Adds a binary to the cache atomically. `make` gets an empty folder in the cache's file system and returns the path of
 * the binary that it puts there.
 */
export async function fillCache(pin: Pin, make: (folder: string) => Promise<string>): Promise<string> {
  const path = cachedPathOf(pin);
  // Also removes what an interrupted build left: only one process at a time gets here.
  rmSync(dirname(path), { recursive: true, force: true });
  const folder = `${path}.tmp`;
  mkdirSync(folder, { recursive: true });
  try {
    const made = await make(folder);
    chmodSync(made, 0o755);
    // The digest first: a binary without a digest is invalid, a digest without a binary is harmless.
    writeFileSync(`${path}.sha256.tmp`, `${await sha256Of(made)}  ${pin.name}\n`);
    renameSync(`${path}.sha256.tmp`, `${path}.sha256`);
    renameSync(made, path);
    return path;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
