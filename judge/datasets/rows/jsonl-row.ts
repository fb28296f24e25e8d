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

/**
 * The field's value; `a.b` and `a.0` lead into objects and lists, also into JSON that is written as text, and `a.-1` is
 * the last of a list. Names with dots come first. Undefined if it is absent.
 */
export function valueAt(row: Row, name: string): unknown {
  return memberAt(row, name.split('.'));
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  if (path.length === 0) return value;
  const holder = holderOf(value);
  if (holder === undefined) return undefined;
  for (let length = path.length; length > 0; length--) {
    const name = path.slice(0, length).join('.');
    const key = Array.isArray(holder) && /^-\d+$/.test(name) ? String(holder.length + Number(name)) : name;
    if (!Object.hasOwn(holder, key)) continue;
    const found = memberAt((holder as Row)[key], path.slice(length));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An object or a list, given as one or as JSON text. */
function holderOf(value: unknown): object | undefined {
  if (typeof value === 'object') return value === null || ArrayBuffer.isView(value) ? undefined : value;
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return exactJson(value) as object;
  } catch {
    return undefined;
  }
}

/**
 * The values of a name with stars, each of which stands for all elements of a list, with their names: those of
 * `turns.*.picture` are `turns.0.picture` and so on. Elements without the value are passed over.
 */
export function valuesAt(row: Row, name: string): { readonly field: string; readonly value: unknown }[] {
  const [first = '', ...others] = name.split(/\.\*(?=\.|$)/);
  const start = [{ field: first, value: valueAt(row, first) }];
  return others.reduce((found, rest) => {
    const path = rest === '' ? [] : rest.slice(1).split('.');
    return found.flatMap(({ field, value }) => {
      const list = holderOf(value);
      if (!Array.isArray(list)) return [];
      const members = list.map((each: unknown, i) => ({ field: `${field}.${i}${rest}`, value: memberAt(each, path) }));
      return members.filter((member) => (member.value ?? null) !== null);
    });
  }, start);
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
