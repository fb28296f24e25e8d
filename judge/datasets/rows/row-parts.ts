/**
 * Parts of a candidate or of the context: texts and images in order, from fields, or from a list as chats hold them. Every
 * problem with the row is thrown as UnusableRow.
 */
import type { PartSpec } from '../../../recipes/fields/candidate-fields.ts';
import type { CandidatePart } from '../../example.ts';
import { UnusableRow } from '../reading.ts';
import { type Row, textField, valueAt } from './jsonl-row.ts';
import type { FieldImage } from './row-images.ts';

/** A text, or one image that is not taken yet. */
export type PlainPart = { readonly text: string } | { readonly image: FieldImage };
/** Or a folder with images, by its name. */
export type RowPart = PlainPart | { readonly frames: string };

export function partsIn(row: Row, specs: readonly PartSpec[]): RowPart[] {
  return specs.flatMap((spec): RowPart[] => {
    if ('text' in spec) return [{ text: textField(row, spec.text) }];
    if ('image' in spec) return [imagePart(row, spec.image)];
    if ('frames' in spec) return [{ frames: textField(row, spec.frames) }];
    return partsAt(row, spec.parts);
  });
}

export function imagePart(row: Row, field: string): PlainPart {
  return { image: { field, value: given(row, field) } };
}

/** The parts in one field: a text, a part, or a list of parts. */
export function partsAt(row: Row, field: string): PlainPart[] {
  return partsOf(given(row, field), field);
}

/** Replaces the images by their places among the images of the example, from `firstImage` on. */
export function placedParts(lists: readonly (readonly PlainPart[])[], firstImage: number): CandidatePart[][] {
  let next = firstImage;
  return lists.map((parts) => parts.map((part) => ('text' in part ? part : { image: next++ })));
}

export function imagesOfParts(lists: readonly (readonly PlainPart[])[]): FieldImage[] {
  return lists.flat().flatMap((part) => ('image' in part ? [part.image] : []));
}

function given(row: Row, field: string): unknown {
  const value = valueAt(row, field);
  if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${field}`);
  return value;
}

function partsOf(value: unknown, field: string): PlainPart[] {
  if (!Array.isArray(value)) return partOf(value, field);
  return value.flatMap((each: unknown, i) => partOf(each, `${field}.${i}`));
}

function partOf(value: unknown, field: string): PlainPart[] {
  if (typeof value === 'string') return [{ text: value }];
  if (Array.isArray(value) && value.length === 2)
    return typedPart(value[0], { text: value[1], image: value[1] }, field);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noPart(field, JSON.stringify(value));
  const { type, ...rest } = value as Row;
  if (type !== undefined) return typedPart(type, rest, field);
  const parts: PlainPart[] = [];
  if (rest['image'] !== undefined) parts.push(imageOf(rest['image'], `${field}.image`));
  if (rest['text'] !== undefined) parts.push({ text: textField(rest, 'text') });
  if (parts.length === 0) throw noPart(field, `an object with ${Object.keys(rest).join(', ') || 'nothing'}`);
  return parts;
}

/** A part whose kind is named, as in the message formats of chat models. */
function typedPart(type: unknown, rest: Row, field: string): PlainPart[] {
  if (type === 'text' && typeof rest['text'] === 'string') return [{ text: rest['text'] }];
  if (type === 'image_url') {
    const url = valueAt(rest, 'image_url.url') ?? rest['image_url'];
    if (url !== undefined) return [imageOf(url, `${field}.image_url`)];
  }
  const image = rest['image'] ?? rest['path'] ?? rest['url'];
  if (type === 'image' && image !== undefined) return [imageOf(image, field)];
  throw noPart(field, `a part of type ${String(type).slice(0, 50)}`);
}

const imageOf = (value: unknown, field: string): PlainPart => ({ image: { field, value } });

function noPart(field: string, found: string): UnusableRow {
  return new UnusableRow('FIELD_MISSING', `${field} is ${found.slice(0, 100)}, neither text nor an image`);
}
