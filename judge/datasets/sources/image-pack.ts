/** Many encoded images in one object: thousands of small uploads would take longer than generating the images. */
import { assert } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import { sha256 as digestOf } from '../../../core/json.ts';

/** Offset and length of each image in the pack, by its sha256. JSON. */
export type ImagePackIndex = Readonly<Record<string, { readonly offset: number; readonly byteLength: number }>>;

export interface ImagePack {
  readonly bytes: Uint8Array;
  readonly index: ImagePackIndex;
}

export interface OpenImagePack {
  /**
   * The image's encoded bytes (a view, not a copy). ARTIFACT_MISSING if there are none, ARTIFACT_CORRUPT if their
   * digest differs.
   */
  get(sha256: string): Uint8Array;
}

/** Packs the images in order of digest, so that the pack is a function of the set of images alone. */
export function packImages(images: ReadonlyMap<string, Uint8Array>): ImagePack {
  const sorted = [...images].sort(([a], [b]) => (a < b ? -1 : 1));
  const bytes = new Uint8Array(sorted.reduce((total, [, image]) => total + image.byteLength, 0));
  const index: Record<string, { offset: number; byteLength: number }> = {};
  let offset = 0;
  for (const [sha256, image] of sorted) {
    bytes.set(image, offset);
    index[sha256] = { offset, byteLength: image.byteLength };
    offset += image.byteLength;
  }
  assert(offset === bytes.byteLength, 'the pack is full');
  return { bytes, index };
}

export function openImagePack(bytes: Uint8Array, index: ImagePackIndex): OpenImagePack {
  return {
    get(sha256) {
      const place = Object.hasOwn(index, sha256) ? index[sha256] : undefined;
      if (place === undefined)
        throw new MtrlError('ARTIFACT_MISSING', `the image pack has no image ${sha256}`, { where: sha256 });
      const image = bytes.subarray(place.offset, place.offset + place.byteLength);
      const found = digestOf(image);
      if (found !== sha256)
        throw new MtrlError('ARTIFACT_CORRUPT', 'an image in the pack does not match its digest', {
          where: sha256,
          found,
        });
      return image;
    },
  };
}
