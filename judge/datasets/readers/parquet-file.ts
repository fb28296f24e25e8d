/** A parquet file as the decoder's buffer: column chunks that are checked before they are decoded are read once. */
import type { AsyncBuffer } from 'hyparquet';
import { readBytes, type SourceFile } from '../sources/source-files.ts';

/** Larger chunks are read page by page, and again by the decoder. */
const keptByteLengthMax = 32 * 1024 * 1024;

interface KeptRange {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class ParquetFile implements AsyncBuffer {
  readonly name: string;
  readonly byteLength: number;
  readonly #file: SourceFile;
  #kept: readonly KeptRange[] = [];

  constructor(file: SourceFile) {
    this.#file = file;
    this.name = file.name;
    this.byteLength = file.byteLength;
  }

  /** Caches the bytes [start, end), unless they are too many, for reads of parts of them until `forget`. */
  async keep(start: number, end: number): Promise<void> {
    if (end - start > keptByteLengthMax || this.#keptAround(start, end) !== undefined) return;
    const bytes = await readBytes(this.#file, start, end);
    this.#kept = [...this.#kept, { start, end, bytes }];
  }

  forget(): void {
    this.#kept = [];
  }

  /** The bytes [start, end), as a view if they are cached. Throws a plain Error if the file does not contain them. */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (start < 0 || start > end || end > this.byteLength) throw new Error(`bytes ${start} to ${end} do not exist`);
    const kept = this.#keptAround(start, end);
    return kept === undefined
      ? readBytes(this.#file, start, end)
      : kept.bytes.subarray(start - kept.start, end - kept.start);
  }

  /** A negative start counts from the end of the file. */
  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.read(start < 0 ? this.byteLength + start : start, end);
    const isWhole = byteLength === buffer.byteLength;
    return isWhole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
  }

  #keptAround(start: number, end: number): KeptRange | undefined {
    return this.#kept.find((kept) => kept.start <= start && end <= kept.end);
  }
}
