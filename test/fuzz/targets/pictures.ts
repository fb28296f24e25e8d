/** Pictures in every format, as rows of data and as requests of clients bring them. */
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { takeImage } from '../../../judge/datasets/sources/encoded-image.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';

const edge = 24;

export const openPictures: OpenFuzzTarget = async () => {
  const noise = Uint8Array.from({ length: edge * edge * 3 }, (_, i) => (i * 7919) % 251);
  const raw = (): Sharp => sharp(noise, { raw: { width: edge, height: edge, channels: 3 } });
  const wholes = await Promise.all([
    raw().png().toBuffer(),
    raw().png({ palette: true }).toBuffer(),
    raw().jpeg().toBuffer(),
    raw().jpeg({ progressive: true }).toBuffer(),
    raw().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    raw().gif().toBuffer(),
    raw().webp().toBuffer(),
    raw().webp({ lossless: true }).toBuffer(),
    raw().tiff({ compression: 'deflate' }).toBuffer(),
    raw().tiff({ compression: 'jpeg', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    raw().avif().toBuffer(),
  ]);
  const inputs = fc.tuple(
    fc.constantFrom(...wholes).chain((whole) => nearBytes(whole)),
    fc.constantFrom(Infinity, 16),
  );
  return fuzzTarget(
    inputs,
    async ([bytes, edgeMax]) => {
      await takeImage(bytes, 'the picture', edgeMax);
      return 'accepted';
    },
    { near: ([bytes, edgeMax]) => fc.tuple(nearBytes(bytes), fc.constant(edgeMax)) },
  );
};
