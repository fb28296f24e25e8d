/** Colour spaces of TIFF files that the decoder would take for RGB. */

const [compressionTag, photometricTag] = [259, 262];
const [ycbcr, jpegCompression, entryByteLength] = [6, 7, 12];

/**
 * Whether the pixels are YCbCr outside of JPEG data, which libtiff converts. Never throws: a damaged file is found when
 * it is decoded.
 */
export function isPlainYcbcr(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = bytes[0] === 0x49;
  const values = new Map<number, number>();
  try {
    const start = view.getUint32(4, isLittle);
    for (let i = 0; i < view.getUint16(start, isLittle); i++) {
      const at = start + 2 + i * entryByteLength;
      values.set(view.getUint16(at, isLittle), view.getUint16(at + 8, isLittle));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return values.get(photometricTag) === ycbcr && values.get(compressionTag) !== jpegCompression;
}
