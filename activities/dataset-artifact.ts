/** What ingestion leaves: examples in one fixed order, and their images in packs. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { type ImagePackIndex, openImagePack } from '../judge/datasets/image-pack.ts';
import type { Example } from '../judge/example.ts';
import type { JsonCache } from './json-cache.ts';

export interface DatasetArtifact {
  readonly schema: 1;
  /** JSON array of Example; plans and rollouts point into it by index. */
  readonly examples: ArtifactRef;
  readonly imagePacks: readonly StoredImagePack[];
  /** JSON Lines of QuarantinedRow; null when every row could be used. */
  readonly quarantine: ArtifactRef | null;
  /** JSON array of Leak; null when there are none. */
  readonly leaks: ArtifactRef | null;
  readonly exampleCount: number;
  readonly imageCount: number;
  readonly quarantinedCount: number;
}

export interface StoredImagePack {
  readonly bytes: ArtifactRef;
  /** JSON: ImagePackIndex. */
  readonly index: ArtifactRef;
}

export async function datasetOf(cache: JsonCache, ref: ArtifactRef): Promise<DatasetArtifact> {
  return (await cache.get(ref)) as DatasetArtifact;
}

export async function examplesOf(cache: JsonCache, ref: ArtifactRef): Promise<readonly Example[]> {
  const { examples } = await datasetOf(cache, ref);
  return (await cache.get(examples)) as readonly Example[];
}

/** Packs of a dataset with more bytes than this are not read whole: they would push each other out of memory. */
const wholePacksByteLengthMax = 256 << 20;

/** The encoded bytes of one image. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function imageBytes(cache: JsonCache, dataset: DatasetArtifact, digest: string): Promise<Uint8Array> {
  const byteLength = dataset.imagePacks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  for (const pack of dataset.imagePacks) {
    const index = (await cache.get(pack.index)) as ImagePackIndex;
    const place = Object.hasOwn(index, digest) ? index[digest] : undefined;
    if (place === undefined) continue;
    if (byteLength <= wholePacksByteLengthMax)
      return openImagePack(await cache.getBytes(pack.bytes), index).get(digest);
    const image = await cache.getRange(pack.bytes, place.offset, place.byteLength);
    return openImagePack(image, { [digest]: { offset: 0, byteLength: image.byteLength } }).get(digest);
  }
  throw new MtrlError('ARTIFACT_MISSING', `the dataset has no image ${digest}`, { where: digest });
}
