/** Modes of TIFF files that the decoder does not read, or reads to other pixels than Pillow. */

const tags = { bits: 258, compression: 259, photometric: 262, sampleFormat: 339 } as const;
const [entryByteLength, inlineByteLength] = [12, 4];
const jpegCompression = 7;

const compressions: ReadonlyMap<number, string> = new Map([
  [34887, 'LERC'],
  [50000, 'Zstandard'],
  [50001, 'WebP'],
]);
const colours: ReadonlyMap<number, string> = new Map([
  [4, 'transparency mask'],
  [6, 'YCbCr'],
  [8, 'LAB'],
  [9, 'LAB (ICC)'],
  [10, 'LAB (ITU)'],
  [32803, 'raw sensor'],
  [32844, 'LogL'],
  [32845, 'LogLuv'],
]);
const [whiteIsZero, rgb, palette, inks, ycbcr] = [0, 2, 3, 5, 6];
const [signed, float] = [2, 3];

type Tags = Readonly<Record<keyof typeof tags, number>>;

/**
 * What is not read about the file, in words; undefined if all of it is. Never throws: a damaged file is found when it is
 * decoded.
 */
export function unreadTiffMode(bytes: Uint8Array): string | undefined {
  const { bits, compression, photometric, sampleFormat } = tagsOf(bytes);
  const packed = compressions.get(compression);
  if (packed !== undefined) return `${packed} compression`;
  const named = colours.get(photometric);
  // Inside of JPEG data, libtiff converts YCbCr.
  if (named !== undefined && !(photometric === ycbcr && compression === jpegCompression)) return `${named} colours`;
  if (sampleFormat === signed && bits < 32) return 'signed numbers';
  if (photometric === whiteIsZero && bits === 16) return '16 bits, of which 0 is white';
  const colourBits = photometric === rgb ? [8, 16] : [1, 2, 4, 8];
  if ([rgb, palette, inks].includes(photometric) && (!colourBits.includes(bits) || sampleFormat === float))
    return `${bits} bits a channel`;
  return undefined;
}

/** The first value of each tag of the first page; 1, the default of TIFF, where a tag is absent. */
function tagsOf(bytes: Uint8Array): Tags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = bytes[0] === 0x49;
  const found = new Map<number, number>();
  try {
    const start = view.getUint32(4, isLittle);
    for (let i = 0; i < view.getUint16(start, isLittle); i++) {
      const at = start + 2 + i * entryByteLength;
      const place = 2 * view.getUint32(at + 4, isLittle) > inlineByteLength ? view.getUint32(at + 8, isLittle) : at + 8;
      const tag = view.getUint16(at, isLittle);
      if (Object.values<number>(tags).includes(tag)) found.set(tag, view.getUint16(place, isLittle));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const valueOf = (name: keyof typeof tags): number => found.get(tags[name]) ?? 1;
  return {
    bits: valueOf('bits'),
    compression: valueOf('compression'),
    photometric: valueOf('photometric'),
    sampleFormat: valueOf('sampleFormat'),
  };
}
