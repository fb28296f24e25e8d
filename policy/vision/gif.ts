/**
 * The first frame of a GIF as Pillow reads it: colours of the palette also where the frame is transparent, and around a
 * frame smaller than the screen the transparent colour, or else the first of the palette. libvips makes both black.
 */
import type { RgbImage } from './rgb-image.ts';

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly isInterlaced: boolean;
  readonly transparent: number | undefined;
  /** Three bytes a colour. */
  readonly palette: Uint8Array;
  /** Where the LZW data starts. */
  readonly dataStart: number;
}

const [extension, imageDescriptor, graphicControl] = [0x21, 0x2c, 0xf9];
const codeCountMax = 4096;

export const isGif = (bytes: Uint8Array): boolean => bytes[0] === 0x47 && bytes[1] === 0x49 && bytes[2] === 0x46;

class Reader {
  readonly #view: DataView;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Throws a RangeError beyond the end. */
  byte(at: number): number {
    return this.#view.getUint8(at);
  }

  word(at: number): number {
    return this.#view.getUint16(at, true);
  }

  /** Where the block after this chain of sub-blocks starts. */
  afterBlocks(start: number): number {
    let at = start;
    while (this.byte(at) !== 0) at += this.byte(at) + 1;
    return at + 1;
  }
}

/** The palette that follows the flags, if they say so. */
function paletteAt(reader: Reader, start: number, flags: number): Uint8Array | undefined {
  return flags & 0x80 ? reader.bytes.subarray(start, start + paletteByteLength(flags)) : undefined;
}

function paletteByteLength(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

function firstFrame(reader: Reader): Frame {
  const flags = reader.byte(10);
  const shared = paletteAt(reader, 13, flags);
  let transparent: number | undefined;
  for (let at = 13 + paletteByteLength(flags); ;) {
    const kind = reader.byte(at);
    if (kind === imageDescriptor) {
      const own = reader.byte(at + 9);
      return {
        left: reader.word(at + 1),
        top: reader.word(at + 3),
        width: reader.word(at + 5),
        height: reader.word(at + 7),
        isInterlaced: (own & 0x40) !== 0,
        transparent,
        palette: paletteAt(reader, at + 10, own) ?? shared ?? new Uint8Array(),
        dataStart: at + 10 + paletteByteLength(own),
      };
    }
    if (kind !== extension) throw new Error('the GIF has no frame');
    if (reader.byte(at + 1) === graphicControl) transparent = reader.byte(at + 3) & 1 ? reader.byte(at + 6) : undefined;
    at = reader.afterBlocks(at + 2);
  }
}

/** Colour indices of the frame in the order of the file. Throws if the data ends early. */
function indicesOf(reader: Reader, { dataStart, width, height }: Frame): Uint8Array {
  const minimumWidth = reader.byte(dataStart);
  const [clear, end] = [2 ** minimumWidth, 2 ** minimumWidth + 1];
  const prefix = new Uint16Array(codeCountMax);
  const suffix = new Uint8Array(codeCountMax);
  for (let code = 0; code < clear; code++) suffix[code] = code;
  const pixels = new Uint8Array(width * height);
  const stack = new Uint8Array(codeCountMax + 1);
  let [next, codeWidth, previous, first, filled] = [end + 1, minimumWidth + 1, -1, 0, 0];
  let [bits, bitCount, at, blockEnd] = [0, 0, dataStart + 1, dataStart + 1];
  while (filled < pixels.length) {
    while (bitCount < codeWidth) {
      if (at === blockEnd) {
        const length = reader.byte(at++);
        if (length === 0) throw new Error('the GIF ends early');
        blockEnd = at + length;
      }
      bits |= reader.byte(at++) << bitCount;
      bitCount += 8;
    }
    const code = bits & (2 ** codeWidth - 1);
    bits >>>= codeWidth;
    bitCount -= codeWidth;
    if (code === clear) {
      [next, codeWidth, previous] = [end + 1, minimumWidth + 1, -1];
      continue;
    }
    if (code === end || code > next || (code === next && previous < 0)) throw new Error('the GIF has a wrong code');
    let depth = 0;
    let from = code;
    // The code that is being defined is the previous one and its own first colour.
    if (code === next) {
      stack[depth++] = first;
      from = previous;
    }
    for (; from >= clear; from = prefix[from] ?? 0) stack[depth++] = suffix[from] ?? 0;
    first = from;
    stack[depth++] = first;
    while (depth > 0 && filled < pixels.length) pixels[filled++] = stack[--depth] ?? 0;
    if (previous >= 0 && next < codeCountMax) {
      prefix[next] = previous;
      suffix[next] = first;
      next++;
      if (next === 2 ** codeWidth && codeWidth < 12) codeWidth++;
    }
    previous = code;
  }
  return pixels;
}

/** Passes of an interlaced frame: first row and distance. */
const passes = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** Rows of the frame in the order of the file. */
function rowOrder({ height, isInterlaced }: Frame): number[] {
  if (!isInterlaced) return Array.from({ length: height }, (_, row) => row);
  return passes.flatMap(([start, step]) =>
    Array.from({ length: Math.max(0, Math.ceil((height - start) / step)) }, (_, i) => start + i * step),
  );
}

/** Throws a plain Error if the file is damaged. */
export function decodeGif(bytes: Uint8Array): RgbImage {
  const reader = new Reader(bytes);
  const frame = firstFrame(reader);
  const width = Math.max(reader.word(6), frame.left + frame.width);
  const height = Math.max(reader.word(8), frame.top + frame.height);
  const indices = new Uint8Array(width * height).fill(frame.transparent ?? 0);
  const found = indicesOf(reader, frame);
  for (const [i, row] of rowOrder(frame).entries()) {
    const from = found.subarray(i * frame.width, (i + 1) * frame.width);
    indices.set(from, (frame.top + row) * width + frame.left);
  }
  return { data: colours(indices, frame.palette), height, width };
}

/** Indices beyond the palette are shades of grey. */
function colours(indices: Uint8Array, palette: Uint8Array): Uint8Array {
  const data = new Uint8Array(indices.length * 3);
  for (const [i, index] of indices.entries()) {
    for (let channel = 0; channel < 3; channel++) data[i * 3 + channel] = palette[index * 3 + channel] ?? index;
  }
  return data;
}
