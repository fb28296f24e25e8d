/** Canonical JSON (the needed part of RFC 8785: sorted keys, no white space, shortest number form) and its digests. */
import { createHash } from 'node:crypto';
import { assert } from './assert.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Serializes canonically: equal values give equal texts. Undefined members are omitted; NaN and infinities are
 * rejected.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value as { readonly [key: string]: Json | undefined })
      .filter((entry): entry is [string, Json] => entry[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number') assert(Number.isFinite(value), `${value} is not JSON`);
  return JSON.stringify(value);
}

/** sha256 as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function digestOf(value: Json): string {
  return sha256(canonicalJson(value));
}
