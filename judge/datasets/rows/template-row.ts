/** A row's values as a template can use them: Jinja knows no bytes and no integers beyond 2^53. */
import { ImageFile } from '../readers/row.ts';
import { exactNumber } from './exact-json.ts';
import type { Row } from './jsonl-row.ts';

/** More bytes are no text to teach: a template would copy them into every rationale. */
const textByteLengthMax = 1024 * 1024;

/** Text of bytes, undefined for pictures and other bytes that are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength > textByteLengthMax) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return exactNumber(value);
  if (value instanceof Uint8Array) return textOf(value);
  if (value instanceof ImageFile) return value.file.name;
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null ? templateRow(value as Row) : value;
}

export function templateRow(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
}
