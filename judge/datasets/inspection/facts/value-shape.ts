/** What a value of a row is, as far as a recipe is concerned. */
import { numberOf } from '../../../kinds/label-numbers.ts';
import { ImageFile } from '../../readers/row.ts';
import { startsLikeImage } from '../../sources/encoded-image.ts';
import { inlineImage } from '../../sources/inline-image.ts';

export type Shape = 'missing' | 'text' | 'number' | 'boolean' | 'picture' | 'video' | 'bytes' | 'list' | 'object';

const pictureName = /^[^\n\r<>|"]{1,400}\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i;
const videoName = /^[^\n\r<>|"]{1,400}\.(mp4|webm|mov|avi|mkv)$/i;

export const isPictureName = (text: string): boolean => pictureName.test(text);

/** A picture whose bytes are not kept: what sampled rows hold in place of it. */
export class PictureMark {
  /** The same for the same picture. */
  readonly sha256: string;

  constructor(sha256: string) {
    this.sha256 = sha256;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Bytes of an encoded picture inside the row; undefined for pictures in files of their own and for other values. */
export function pictureBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return startsLikeImage(value) ? value : undefined;
  if (isRecord(value) && value['bytes'] instanceof Uint8Array) return pictureBytes(value['bytes']);
  return typeof value === 'string' ? inlineImage(value) : undefined;
}

/** The name of a picture that lies in a file of its own, as a row gives it. */
export function pictureNameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return isPictureName(value) ? value : undefined;
  if (!isRecord(value) || value['bytes'] instanceof Uint8Array) return undefined;
  const { path } = value;
  return typeof path === 'string' && isPictureName(path) ? path : undefined;
}

/** Of one value, or of the elements of a list. */
export function pictureNamesIn(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((each) => pictureNameOf(each) ?? []);
}

export function shapeOf(value: unknown): Shape {
  if (value === undefined || value === null) return 'missing';
  if (value instanceof ImageFile || value instanceof PictureMark) return 'picture';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  if (typeof value === 'string') return shapeOfText(value);
  if (Array.isArray(value)) return 'list';
  if (value instanceof Uint8Array) return startsLikeImage(value) ? 'picture' : 'bytes';
  return pictureBytes(value) !== undefined || pictureNameOf(value) !== undefined ? 'picture' : 'object';
}

function shapeOfText(text: string): Shape {
  if (text.trim() === '') return 'missing';
  if (numberOf(text) !== undefined) return 'number';
  if (/^\s*(true|false)\s*$/i.test(text)) return 'boolean';
  if (videoName.test(text)) return 'video';
  return isPictureName(text) || inlineImage(text) !== undefined ? 'picture' : 'text';
}
