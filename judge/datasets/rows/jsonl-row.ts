/**
 * Reads the fields of a JSON row that a recipe's `fields` name. Every problem with the row is thrown as UnusableRow.
 */
import { UnusableRow } from '../reading.ts';
import { exactJson } from './exact-json.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Parses one line of JSON Lines; a byte order mark at the start is ignored. */
export function parseRow(bytes: Uint8Array): Row {
  let value: unknown;
  try {
    value = exactJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UnusableRow('ROW_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnusableRow('ROW_UNREADABLE', 'the line is not a JSON object');
  }
  return value as Row;
}

/** The field's value; `a.b` and `a.0` lead into objects and lists. Undefined if it is absent. */
export function valueAt(row: Row, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  let value: unknown = row;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Row)[part];
  }
  return value;
}

/**
 * The field as text. FIELD_MISSING if it is absent, null, a list or an object; ROW_UNREADABLE for bytes that are not
 * UTF-8.
 */
export function textField(row: Row, name: string): string {
  const value = valueAt(row, name);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${name}`);
  if (value instanceof Uint8Array) return textOf(value, name);
  throw new UnusableRow('FIELD_MISSING', `${name} is not text, a number, true or false`);
}

/** The field's list. FIELD_MISSING if it is anything else. */
export function listField(row: Row, name: string): readonly unknown[] {
  const value = valueAt(row, name);
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new UnusableRow('FIELD_MISSING', `${name} is not a list`);
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnusableRow('ROW_UNREADABLE', `${name} is not UTF-8`);
  }
}
