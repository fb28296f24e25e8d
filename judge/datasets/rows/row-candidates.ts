/** The candidates of a row: the parts of each, before their images are taken. */
import { assert } from '../../../core/assert.ts';
import type { CandidatesSpec } from '../../../recipes/fields/candidate-fields.ts';
import { listField, type Row, textField } from './jsonl-row.ts';
import { imagePart, partsAt, partsIn, type RowPart } from './row-parts.ts';

export type RowCandidate = readonly RowPart[];

/** Throws UnusableRow for a field that is missing or not what it should be. */
export function candidatesIn(row: Row, spec: CandidatesSpec): RowCandidate[] {
  if ('list' in spec) return elementsOf(row, spec);
  if ('columns' in spec) return matching(row, spec.columns).map((name) => elementAt(row, name, spec.of));
  return spec.map((candidate) =>
    typeof candidate === 'string' ? [{ text: textField(row, candidate) }] : partsIn(row, candidate),
  );
}

function elementsOf(row: Row, { list, text, image, of }: Extract<CandidatesSpec, { list: string }>): RowCandidate[] {
  return listField(row, list).map((_, i): RowCandidate => {
    const at = (name: string): string => `${list}.${i}.${name}`;
    if (text === undefined && image === undefined) return elementAt(row, `${list}.${i}`, of);
    const parts: RowPart[] = [];
    if (image !== undefined) parts.push(imagePart(row, at(image)));
    if (text !== undefined) parts.push({ text: textField(row, at(text)) });
    return parts;
  });
}

/** Names of the present fields that match, in the order of the numbers in place of the star, then of the texts. */
export function matching(row: Row, pattern: string): string[] {
  const isMatch = matchesPattern(pattern);
  const names = Object.keys(row).filter((name) => isMatch(name) && row[name] !== null && row[name] !== undefined);
  // They differ in place of the star alone.
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** @param pattern a name with one `*`, which stands for at least one character */
export function matchesPattern(pattern: string): (name: string) => boolean {
  const [before, after] = pattern.split('*');
  assert(before !== undefined && after !== undefined, 'a pattern with one star');
  return (name) => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length;
}

function elementAt(row: Row, name: string, of: 'text' | 'image' | 'parts' = 'text'): RowCandidate {
  if (of === 'parts') return partsAt(row, name);
  return [of === 'text' ? { text: textField(row, name) } : imagePart(row, name)];
}
