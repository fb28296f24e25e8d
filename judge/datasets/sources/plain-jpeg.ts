/**
 * Smaller copies of plain JPEG images: baseline, three components of 8 bits, no Exif data (which may rotate them).
 * libjpeg-turbo and policy/vision/resample.ts need half the CPU time of libvips, which spends most of its time on
 * setting up a pipeline.
 */
import turbo from '@julusian/jpeg-turbo';
import { resizeRgb, supportedResamples } from '../../../policy/vision/resample.ts';
import type { RgbImage } from '../../../policy/vision/rgb-image.ts';

type Size = Pick<RgbImage, 'height' | 'width'>;

/** Limit on images, which are decoded as a whole here; libvips decodes larger ones line by line. */
const pixelCountMax = 4 * 1024 * 1024;
/** From this ratio on libvips is faster, because it skips frequencies while decoding. */
const shrinkMax = 4;

// ITU T.81, table B.1
const frames = { first: 0xc0, baselineLast: 0xc1, last: 0xcf, notOne: [0xc4, 0xc8, 0xcc] };
const [startOfScan, app1] = [0xda, 0xe1];
const exif = 0x45786966;

/** Size from the frame header. Undefined if the image is not plain, or is not a JPEG file. */
function plainSize(bytes: Uint8Array): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 10 <= bytes.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || marker === startOfScan) return undefined;
    if (marker === app1 && view.getUint32(at + 4) === exif) return undefined;
    if (marker < frames.first || marker > frames.last || frames.notOne.includes(marker)) continue;
    const [precision, componentCount] = [view.getUint8(at + 4), view.getUint8(at + 9)];
    const isPlain = marker <= frames.baselineLast && precision === 8 && componentCount === 3;
    return isPlain ? { height: view.getUint16(at + 5), width: view.getUint16(at + 7) } : undefined;
  }
  return undefined;
}

/** Reusable buffers for one image in progress: new ones of this size would keep the garbage collector busy. */
class Room {
  readonly #buffers = new Map<string, Buffer>();

  get(name: 'pixels' | 'copy' | 'encoded', byteLength: number): Buffer {
    const kept = this.#buffers.get(name);
    if (kept !== undefined && kept.byteLength >= byteLength) return kept;
    const buffer = Buffer.allocUnsafeSlow(byteLength);
    this.#buffers.set(name, buffer);
    return buffer;
  }
}

/** Rooms not in use; in total there are as many as images were ever in progress at once. */
const freeRooms: Room[] = [];

/**
 * Encodes a smaller copy as JPEG at quality 95. Undefined if the image is not plain, has too many pixels, is not larger
 * than `edgeMax` or more than `shrinkMax` times larger, or is truncated.
 */
export async function smallerPlainJpeg(bytes: Uint8Array, edgeMax: number): Promise<Uint8Array | undefined> {
  const size = plainSize(bytes);
  if (size === undefined || size.width * size.height > pixelCountMax) return undefined;
  const shrink = Math.max(size.width, size.height) / edgeMax;
  if (!(shrink > 1 && shrink <= shrinkMax)) return undefined;
  const room = freeRooms.pop() ?? new Room();
  try {
    return await copyOf(bytes, size, shrink, room);
  } catch {
    // libvips decides whether the image is readable after all, and reports what is wrong with it
    return undefined;
  } finally {
    freeRooms.push(room);
  }
}

async function copyOf(bytes: Uint8Array, size: Size, shrink: number, room: Room): Promise<Uint8Array> {
  const format = turbo.FORMAT_RGB;
  const { data } = await turbo.decompress(asBuffer(bytes), room.get('pixels', size.width * size.height * 3), {
    format,
  });
  const [width = 1, height = 1] = [size.width, size.height].map((edge) => Math.max(1, Math.round(edge / shrink)));
  const into = room.get('copy', width * height * 3);
  const halved = shrink >= 2 && size.width % 2 === 0 && size.height % 2 === 0;
  resizeRgb({ ...size, data }, height, width, supportedResamples.lanczos, { into, halved });
  const layout = { width, height, format, subsampling: turbo.SAMP_444, quality: 95 };
  return Uint8Array.from(await turbo.compress(into, room.get('encoded', turbo.bufferSize(layout)), layout));
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
