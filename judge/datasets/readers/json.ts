/**
 * One JSON document: an array of rows, or an object whose members are rows, or either of these below one member. It is
 * streamed, so its size is not limited.
 */
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { UnusableRow } from '../reading.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { asUtf8 } from './encoding.ts';
import { jsonElements, type JsonElement } from './json-elements.ts';
import { jsonMember } from './json-member.ts';
import { rowOfJson } from './jsonl.ts';
import { keyField, type RowOrBroken, unreadable } from './row.ts';
import { unpacked } from './unpacked.ts';

const [openBrace, closeBrace] = [Buffer.from('{'), Buffer.from('}')];

/** Converts `"key": {...}` to a row whose key is the member's name. */
function rowOfMember(source: string, row: number, bytes: Uint8Array | undefined): RowOrBroken {
  const member = rowOfJson(source, row, bytes && Buffer.concat([openBrace, bytes, closeBrace]));
  if ('problem' in member) return member;
  const [key = '', values] = Object.entries(member.values).find(([name]) => name !== keyField) ?? [];
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
    return { ...member, values: { [keyField]: key, ...values } };
  }
  const problem = new UnusableRow('ROW_UNREADABLE', `the member ${key.slice(0, 50)} is not a JSON object`);
  return { source, row, text: member.text, problem };
}

async function* elementsOf(file: SourceFile, rows: string | undefined): AsyncGenerator<JsonElement> {
  try {
    const bytes = asUtf8(unpacked(file));
    yield* jsonElements(rows === undefined ? bytes : jsonMember(bytes, rows));
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

export async function* readJson(file: SourceFile, spec: RowsSpec): AsyncGenerator<RowOrBroken> {
  let row = 0;
  for await (const { bytes, isMember } of elementsOf(file, spec.reader === 'json' ? spec.rows : undefined)) {
    row++;
    yield (isMember ? rowOfMember : rowOfJson)(file.name, row, bytes);
  }
}
