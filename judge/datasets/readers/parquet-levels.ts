/**
 * Checks run lengths inside a page (levels, dictionary indices): the decoder writes as many values as a run claims,
 * even beyond the page.
 */
import { compressors } from 'hyparquet-compressors';

export interface PageLayout {
  readonly version: 1 | 2;
  readonly valueCount: number;
  readonly nullCount: number;
  /** Value of Encoding in parquet.thrift. */
  readonly encoding: number;
  /** Version 2 only. */
  readonly repetitionByteLength: number;
  readonly definitionByteLength: number;
  readonly isPacked: boolean;
}

export interface LevelMaxima {
  readonly repetition: number;
  readonly definition: number;
}

const dictionaryEncodings = new Set([2, 8]);
const rleEncoding = 3;

/**
 * Checks runs of the RLE/bit-packing hybrid (Encodings.md). Throws if they hold more values than `valueCount`, or end
 * before them. With `hasNulls` they may end early: `valueCount` then includes an unknown number of nulls.
 */
function checkRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  valueCount: number,
  hasNulls = false,
): void {
  let at = start;
  for (let seen = 0; seen < valueCount && !(hasNulls && at >= end);) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = at < end ? bytes[at++] : undefined;
      if (byte === undefined || shift > 28) throw new Error('runs end before their values');
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const isBitPacked = header % 2 === 1;
    const count = isBitPacked ? ((header - 1) / 2) * 8 : header / 2;
    const room = isBitPacked ? valueCount - seen + 7 : valueCount - seen;
    if (count > room && !(isBitPacked && count - 8 < room)) throw new Error('a run is longer than its page');
    at += isBitPacked ? (count / 8) * width : Math.ceil(width / 8);
    seen += count;
  }
}

const widthOf = (levelMax: number): number => 32 - Math.clz32(levelMax);

/** Checks runs that begin with their own byte length; returns where they end. */
function checkSized(bytes: Uint8Array, start: number, width: number, valueCount: number, hasNulls = false): number {
  const byteLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(start, true);
  const end = start + 4 + byteLength;
  if (end > bytes.byteLength) throw new Error('levels are longer than their page');
  checkRuns(bytes, start + 4, end, width, valueCount, hasNulls);
  return end;
}

function unpack(bytes: Uint8Array, byteLength: number, codec: string): Uint8Array {
  if (codec === 'UNCOMPRESSED' || byteLength === 0) return bytes;
  const unpacked = compressors[codec as keyof typeof compressors]?.(bytes, byteLength);
  if (unpacked === undefined) throw new Error(`pages are packed with ${codec}`);
  return unpacked;
}

function checkValues(bytes: Uint8Array, start: number, encoding: number, valueCount: number, hasNulls = false): void {
  if (encoding === rleEncoding) checkSized(bytes, start, 1, valueCount, hasNulls);
  if (!dictionaryEncodings.has(encoding)) return;
  const width = bytes[start] ?? 0;
  if (width > 32) throw new Error('dictionary indices are too wide');
  if (width > 0) checkRuns(bytes, start + 1, bytes.byteLength, width, valueCount, hasNulls);
}

/** Checks the runs of a page. `bytes` is the page as stored in the file. Throws a plain Error. */
export function checkLevels(
  bytes: Uint8Array,
  plainByteLength: number,
  codec: string,
  page: PageLayout,
  { repetition, definition }: LevelMaxima,
): void {
  const { valueCount, nullCount, repetitionByteLength, definitionByteLength } = page;
  if (page.version === 2) {
    const levels = repetitionByteLength + definitionByteLength;
    if (levels > bytes.byteLength) throw new Error('levels are longer than their page');
    if (repetition > 0) checkRuns(bytes, 0, repetitionByteLength, widthOf(repetition), valueCount);
    if (definition > 0) checkRuns(bytes, repetitionByteLength, levels, widthOf(definition), valueCount);
    if (page.encoding !== rleEncoding && !dictionaryEncodings.has(page.encoding)) return;
    const values = bytes.subarray(levels);
    checkValues(
      page.isPacked ? unpack(values, plainByteLength - levels, codec) : values,
      0,
      page.encoding,
      valueCount - nullCount,
    );
    return;
  }
  const isPlain = repetition === 0 && definition === 0 && page.encoding === 0;
  if (isPlain) return;
  const plain = unpack(bytes, plainByteLength, codec);
  let at = 0;
  if (repetition > 0) at = checkSized(plain, at, widthOf(repetition), valueCount);
  if (definition > 0) at = checkSized(plain, at, widthOf(definition), valueCount);
  checkValues(plain, at, page.encoding, valueCount, definition > 0);
}
