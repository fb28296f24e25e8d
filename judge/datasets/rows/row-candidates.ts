/** The candidates of a row: their texts, and the values of their images. */
import { assert } from '../../../core/assert.ts';
import type { CandidatesSpec } from '../../../recipes/fields/candidate-fields.ts';
import type { CandidatePart } from '../../example.ts';
import { UnusableRow } from '../reading.ts';
import { listField, type Row, textField, valueAt } from './jsonl-row.ts';
import type { FieldImage } from './row-images.ts';

/** A part before its image is taken. */
export type RowPart = { readonly text: string } | { readonly image: FieldImage };
export type RowCandidate = readonly RowPart[];

/** Throws UnusableRow for a field that is missing or not what it should be. */
export function candidatesIn(row: Row, spec: CandidatesSpec): RowCandidate[] {
  if ('list' in spec) return elementsOf(row, spec);
  if ('columns' in spec) return matching(row, spec.columns).map((name) => [partAt(row, name, spec.of)]);
  return spec.map((candidate) => {
    if (typeof candidate === 'string') return [{ text: textField(row, candidate) }];
    return candidate.map((part) => ('text' in part ? { text: textField(row, part.text) } : imagePart(row, part.image)));
  });
}

/** Replaces the images by their places among the images of the example. */
export function placedParts(candidates: readonly RowCandidate[], firstImage: number): CandidatePart[][] {
  let next = firstImage;
  return candidates.map((candidate) => candidate.map((part) => ('text' in part ? part : { image: next++ })));
}

export function imagesOfCandidates(candidates: readonly RowCandidate[]): FieldImage[] {
  return candidates.flat().flatMap((part) => ('image' in part ? [part.image] : []));
}

function elementsOf(row: Row, { list, text, image, of }: Extract<CandidatesSpec, { list: string }>): RowCandidate[] {
  return listField(row, list).map((_, i): RowCandidate => {
    const at = (name: string): string => `${list}.${i}.${name}`;
    if (text === undefined && image === undefined) return [partAt(row, `${list}.${i}`, of)];
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

function partAt(row: Row, name: string, of: 'text' | 'image' = 'text'): RowPart {
  return of === 'text' ? { text: textField(row, name) } : imagePart(row, name);
}

function imagePart(row: Row, name: string): RowPart {
  const value = valueAt(row, name);
  if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${name}`);
  return { image: { field: name, value } };
}
