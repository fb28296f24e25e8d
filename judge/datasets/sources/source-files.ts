/**
 * Files that datasets are read from: on this machine (local-files.ts), or wherever an activity can reach. Read-only.
 */
import { MtrlError } from '../../../core/errors.ts';

export interface SourceFile {
  /** Absolute path or URI. */
  readonly name: string;
  readonly byteLength: number;
  /** Changes with the bytes; undefined if that cannot be determined without reading them. */
  readonly version?: string;
  /** The bytes [start, end) in pieces; the whole file by default. */
  open(start?: number, end?: number): AsyncIterable<Uint8Array>;
}

export interface SourceFiles {
  kindOf(place: string): Promise<'file' | 'folder' | 'nothing'>;
  /** Undefined if the file does not exist; the caller chooses the error. */
  find(place: string): Promise<SourceFile | undefined>;
  /** All files below the folder, in order of name. */
  list(folder: string): AsyncIterable<SourceFile>;
}

/** Reads the bytes [start, end) into memory. FILE_UNREADABLE if the file no longer has this length. */
export async function readBytes(file: SourceFile, start = 0, end = file.byteLength): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let offset = 0;
  for await (const piece of file.open(start, end)) {
    if (offset + piece.byteLength > bytes.byteLength) break;
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  if (offset === bytes.byteLength) return bytes;
  throw new MtrlError('FILE_UNREADABLE', 'the file changed while it was read', {
    where: file.name,
    found: `${offset} bytes`,
    hint: `${bytes.byteLength} bytes`,
  });
}

/** The path of a name inside a folder, relative to it or absolute; undefined if it leads out of it. */
export function placeInside(folder: string, name: string): string | undefined {
  const base = folder.replace(/\/+$/, '');
  if (base !== '' && name.startsWith(`${base}/`)) return placeInside(folder, `.${name.slice(base.length)}`);
  const parts: string[] = [];
  for (const part of name.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  const isAbsolute = name.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(name);
  return isAbsolute || parts.length === 0 ? undefined : `${base}/${parts.join('/')}`;
}
