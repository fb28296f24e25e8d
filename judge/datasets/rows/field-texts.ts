/** The texts of a prompt field: its own, or those inside its lists and objects, each by its path. */
import { UnusableRow } from '../reading.ts';
import { inlineImage } from '../sources/inline-image.ts';
import { type Row, textField, valueAt } from './jsonl-row.ts';

/** A conversation of hundreds of turns has fewer. */
const textCountMax = 2000;

/**
 * `{caption: '...'}` for a text, `{'messages.0.role': 'user', 'messages.0.content': '...'}` for a list of objects: nulls
 * and pictures inside are left out. FIELD_MISSING if the field is absent, null or empty, or has more than 2,000 texts.
 */
export function fieldTexts(row: Row, name: string): Readonly<Record<string, string>> {
  const value = valueAt(row, name);
  if (!isHolder(value)) return { [name]: textField(row, name) };
  const texts: Record<string, string> = {};
  let count = 0;
  const walk = (path: string, inner: unknown): void => {
    if (isHolder(inner)) {
      for (const [key, each] of Object.entries(inner)) walk(`${path}.${key}`, each);
      return;
    }
    const isText = typeof inner === 'string' && inlineImage(inner) === undefined;
    if (!isText && typeof inner !== 'number' && typeof inner !== 'boolean' && typeof inner !== 'bigint') return;
    if (++count > textCountMax) throw new UnusableRow('FIELD_MISSING', `${name} has more than ${textCountMax} texts`);
    texts[path] = String(inner);
  };
  walk(name, value);
  if (count === 0) throw new UnusableRow('FIELD_MISSING', `${name} has no text`);
  return texts;
}

/** All texts of a field in an example's fields, which `fieldTexts` made. */
export function textsOf(fields: Readonly<Record<string, string>>, name: string): string[] {
  const own = fields[name];
  if (own !== undefined) return [own];
  return Object.entries(fields).flatMap(([path, text]) => (path.startsWith(`${name}.`) ? [text] : []));
}

/** A list or an object; bytes and picture files are values. */
function isHolder(value: unknown): value is Readonly<Record<string, unknown>> {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
