/** Resolves the values of a row's image fields to images: bytes, {bytes, path}, file names, and lists of these. */
import { takeImage } from '../sources/encoded-image.ts';
import { inlineImage } from '../sources/inline-image.ts';
import { type ImageFolder, takeImageFile } from '../sources/image-folder.ts';
import { textField, valueAt, valuesAt, type Row } from './jsonl-row.ts';
import { ImageFile } from '../readers/row.ts';
import { UnusableRow, type TakenImage } from '../reading.ts';

/** Rows with more images are rejected as broken. */
const imageCountMax = 64;

export interface ImageSource {
  /** Folder of the named files; undefined if the recipe has no `imageFolder`. */
  readonly folder: ImageFolder | undefined;
  /** Start of names that is not part of the path in the folder. */
  readonly prefix: string | undefined;
  readonly edgeMax: number | undefined;
}

/** The value of a field that holds one image. */
export interface FieldImage {
  readonly field: string;
  readonly value: unknown;
}

/** The values of a field, one per image; lists are expanded, as are the stars of `messages.*.image`. */
export function imagesIn(row: Row, field: string): FieldImage[] {
  const value = valueAt(row, field);
  if (value === undefined && field.includes('.*')) return valuesAt(row, field);
  if (Array.isArray(value)) return value.map((each: unknown, i) => ({ field: `${field}.${i}`, value: each }));
  return [{ field, value }];
}

function isStruct(value: unknown): value is { readonly bytes?: unknown; readonly path?: unknown } {
  return typeof value === 'object' && value !== null && ('bytes' in value || 'path' in value);
}

async function take({ field, value }: FieldImage, source: ImageSource): Promise<TakenImage> {
  const { folder, prefix, edgeMax } = source;
  if (value instanceof Uint8Array) return takeImage(value, field, edgeMax);
  if (value instanceof ImageFile) return takeImageFile(value.file, value.file.name, edgeMax);
  if (isStruct(value)) {
    if (value.bytes instanceof Uint8Array) return takeImage(value.bytes, field, edgeMax);
    return take({ field: `${field}.path`, value: value.path }, source);
  }
  const name = textField({ [field]: value }, field);
  const inline = inlineImage(name);
  if (inline !== undefined) return takeImage(inline, field, edgeMax);
  if (folder === undefined)
    throw new UnusableRow('IMAGE_MISSING', `${field} names ${name.slice(0, 100)}, but the dataset has no imageFolder`);
  return folder.take(prefix !== undefined && name.startsWith(prefix) ? name.slice(prefix.length) : name);
}

/** Takes the images in their order. Every problem with the row is thrown as UnusableRow. */
export async function takeImages(found: readonly FieldImage[], source: ImageSource): Promise<TakenImage[]> {
  if (found.length > imageCountMax)
    throw new UnusableRow('PROMPT_INVALID', `the row has ${found.length} images, more than ${imageCountMax}`);
  return Promise.all(found.map((image) => take(image, source)));
}

/** The images in a folder of the image folder, in the order of the numbers in their names. UnusableRow IMAGE_MISSING. */
export async function framesIn(name: string, { folder }: ImageSource): Promise<readonly FieldImage[]> {
  if (folder === undefined)
    throw new UnusableRow('IMAGE_MISSING', `the row names the folder ${name}, but the dataset has no imageFolder`);
  return (await folder.imagesIn(name, imageCountMax)).map((image) => ({ field: name, value: image }));
}
