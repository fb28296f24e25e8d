/** Digests of streams. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import { isRecord } from '../codecs/json-value.ts';

export interface Digested {
  readonly sha256: string;
  readonly byteLength: number;
}

export function isDigested(value: unknown): value is Digested {
  if (!isRecord(value)) return false;
  const { sha256: digest, byteLength } = value;
  return typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest) && typeof byteLength === 'number';
}

/** Reads the whole stream. */
async function digestStream(stream: Readable): Promise<Digested> {
  const hash = createHash('sha256');
  let byteLength = 0;
  for await (const chunk of stream) {
    hash.update(chunk as Uint8Array);
    byteLength += (chunk as Uint8Array).byteLength;
  }
  return { sha256: hash.digest('hex'), byteLength };
}

export async function digestFile(path: string): Promise<Digested> {
  return digestStream(createReadStream(path));
}

/** Passes the bytes through, and throws ARTIFACT_CORRUPT at the end if they do not match the digest. */
export async function* proven(
  bytes: AsyncIterable<unknown>,
  expected: Digested,
  where = 'the bytes on their way to the store',
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let byteLength = 0;
  for await (const piece of bytes) {
    const chunk = piece as Uint8Array;
    hash.update(chunk);
    byteLength += chunk.byteLength;
    yield chunk;
  }
  const found = { sha256: hash.digest('hex'), byteLength };
  if (!sameBytes(expected, found)) throw corrupt(where, expected, found);
}

export function sameBytes(a: Digested, b: Digested): boolean {
  return a.sha256 === b.sha256 && a.byteLength === b.byteLength;
}

export function describeDigested({ sha256, byteLength }: Digested): string {
  return `sha256 ${sha256}, ${String(byteLength)} bytes`;
}

export function describeBytes(bytes: Uint8Array): string {
  return describeDigested({ sha256: sha256(bytes), byteLength: bytes.byteLength });
}

export function corrupt(where: string, expected: Digested, found: Digested): MtrlError {
  return new MtrlError(
    'ARTIFACT_CORRUPT',
    `stored bytes differ from what was written: expected ${describeDigested(expected)}`,
    {
      where,
      found: describeDigested(found),
      hint: 'restore the object from a copy, or delete it and run again to recompute it',
    },
  );
}
