/** Pictures of a dataset, as they are stored. */
import { MtrlError } from '../../core/errors.ts';
import { imageBytes } from '../../pipeline/data/image-table.ts';
import type { Library } from '../library.ts';
import { datasetOfExperiment } from './data.ts';

export interface Picture {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** Throws NOT_FOUND for a digest that is none. */
export async function pictureOf(library: Library, experimentId: string, digest: string): Promise<Picture> {
  if (!/^[0-9a-f]{64}$/.test(digest))
    throw new MtrlError('NOT_FOUND', 'this is no digest of a picture', { where: digest.slice(0, 80) });
  const bytes = await imageBytes(library.cache, await datasetOfExperiment(library, experimentId), digest);
  return { bytes, contentType: contentTypeOf(bytes) };
}

/** By the first bytes, and never anything that a browser would run. */
export function contentTypeOf(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp';
  if (head.slice(4, 8) === 'ftyp') return 'image/avif';
  if (head.startsWith('II') || head.startsWith('MM')) return 'image/tiff';
  return 'application/octet-stream';
}
