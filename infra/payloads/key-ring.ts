/**
 * The keys that encrypt what Temporal stores: arguments, results and details of workflows and activities. They are in a
 * file that MTRL_PAYLOAD_KEY_FILE names; without it, payloads are plain.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { type Env, valueOf } from '../stack/env.ts';

export const keyFileVariable = 'MTRL_PAYLOAD_KEY_FILE';
const keyByteLength = 32;

export interface KeyRing {
  /** Id of the key that encrypts. The others only decrypt what was written before. */
  readonly active: string;
  /** Key of AES-256 by id. */
  readonly keys: ReadonlyMap<string, Buffer>;
}

const keyFile = z.object({ active: z.string(), keys: z.record(z.string(), z.string()) }).strict();
type KeyFile = z.infer<typeof keyFile>;

/** undefined if the environment names no file. Throws USAGE. */
export function keyRingOf(env: Env): KeyRing | undefined {
  const path = valueOf(env, keyFileVariable);
  return path === undefined ? undefined : readKeyRing(path);
}

/** Throws USAGE if the file is missing or not a key file, or if others can read it. */
export function readKeyRing(path: string): KeyRing {
  const { active, keys } = parse(path);
  const ring = { active, keys: new Map(Object.entries(keys).map(([id, text]) => [id, Buffer.from(text, 'base64')])) };
  for (const [id, key] of ring.keys) {
    if (key.byteLength !== keyByteLength)
      throw refused(path, `key ${id} has ${String(key.byteLength)} bytes`, `a key has ${String(keyByteLength)}`);
  }
  if (!ring.keys.has(active)) throw refused(path, `its active key ${active} is not among its keys`, makeHint(path));
  return ring;
}

/** Adds a key to the file, which is made if it is missing, and lets it encrypt from now on. Returns its id. */
export function addKey(path: string, nowMs: number): string {
  const { keys }: Pick<KeyFile, 'keys'> = statSync(path, { throwIfNoEntry: false }) ? parse(path) : { keys: {} };
  const id = new Date(nowMs).toISOString();
  const all = { ...keys, [id]: randomBytes(keyByteLength).toString('base64') };
  const partial = `${path}.${String(process.pid)}`;
  writeFileSync(partial, `${JSON.stringify({ active: id, keys: all }, null, 2)}\n`, { mode: 0o600 });
  chmodSync(partial, 0o600);
  renameSync(partial, path);
  return id;
}

function parse(path: string): KeyFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0)
      throw refused(path, `others can read it (mode ${(mode & 0o777).toString(8)})`, `chmod 600 ${path}`);
  } catch (cause) {
    if (cause instanceof MtrlError) throw cause;
    throw refused(path, (cause as Error).message, makeHint(path));
  }
  try {
    return keyFile.parse(JSON.parse(text));
  } catch {
    // Not its text: it may hold keys.
    throw refused(path, 'it is not a key file', makeHint(path));
  }
}

function refused(path: string, found: string, hint: string): MtrlError {
  return new MtrlError('USAGE', 'the keys of the payloads cannot be used', {
    where: `${path}, which ${keyFileVariable} names`,
    found,
    hint,
  });
}

function makeHint(path: string): string {
  return `make one with \`npm run mtrl -- payload-key ${path}\``;
}
