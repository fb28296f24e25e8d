import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { openImagePack, packImages } from '../../judge/datasets/sources/image-pack.ts';

const images = fc
  .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })
  .map((all) => new Map(all.map((bytes) => [sha256(bytes), bytes])));

test('returns every image unchanged, after the index was serialized as JSON', () => {
  fc.assert(
    fc.property(images, (given) => {
      const { bytes, index } = packImages(given);
      const pack = openImagePack(bytes, JSON.parse(JSON.stringify(index)) as typeof index);
      for (const [digest, image] of given) expect(Buffer.from(pack.get(digest))).toEqual(Buffer.from(image));
    }),
  );
});

test('makes the same pack of the same images in any order', () => {
  fc.assert(
    fc.property(images, (given) => {
      const reversed = new Map([...given].reverse());
      expect(packImages(reversed)).toEqual(packImages(given));
    }),
  );
});

test('reports a changed byte and a missing image as coded errors that name the image', () => {
  const image = Buffer.from('a picture');
  const { bytes, index } = packImages(new Map([[sha256(image), image]]));
  const digest = sha256(image);
  bytes[3] = 0;
  expect(() => openImagePack(bytes, index).get(digest)).toThrow(
    expect.objectContaining({ code: 'ARTIFACT_CORRUPT' }) as Error,
  );
  expect(() => openImagePack(bytes, index).get('f'.repeat(64))).toThrow(
    expect.objectContaining({ code: 'ARTIFACT_MISSING' }) as Error,
  );
});
