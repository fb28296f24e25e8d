/** Conversion between values and JSON, checked on writing: plain objects and arrays, but no class instances. */
import { assert } from '../../core/assert.ts';
import { canonicalJson, type Json } from '../../core/json.ts';

/**
 * Copies the value as JSON, without undefined members. Throws INVARIANT for a Map, a Date, a typed array, a function,
 * NaN...
 */
export function asJson(value: unknown, path = '$'): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    assert(Number.isFinite(value), `${path} is ${String(value)}, which is not JSON`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item: unknown, i) => asJson(item, `${path}[${String(i)}]`));
  assert(typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype, `${path} is not plain JSON`);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, asJson(member, `${path}.${key}`)]));
}

export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(asJson(value)));
}

/** Parses the bytes; undefined if they are not a JSON document. */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
