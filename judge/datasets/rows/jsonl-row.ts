/** From a JSON row to what a recipe's `fields` name in it. Every finding against the row is an UnusableRow. */
import { UnusableRow } from '../reading.ts';

export type Row = Readonly<Record<string, unknown>>;

/** One line of JSON Lines; a byte order mark before the first is let pass. */
export function parseRow(bytes: Uint8Array): Row {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UnusableRow('ROW_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnusableRow('ROW_UNREADABLE', 'the line is not a JSON object');
  }
  return value as Row;
}

/** The field's value; `a.b` and `a.0` lead into objects and lists. undefined when it is absent. */
export function valueAt(row: Row, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  let value: unknown = row;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Row)[part];
  }
  return value;
}

/** The field as text. FIELD_MISSING when it is absent, null, or a list or object; ROW_UNREADABLE for bytes that are not UTF-8. */
export function textField(row: Row, name: string): string {
  const value = valueAt(row, name);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${name}`);
  if (value instanceof Uint8Array) return textOf(value, name);
  throw new UnusableRow('FIELD_MISSING', `${name} is not text, a number, true or false`);
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnusableRow('ROW_UNREADABLE', `${name} is not UTF-8`);
  }
}
