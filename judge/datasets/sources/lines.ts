/** Lines of a file as bytes, split at LF only: JSON strings may contain U+2028, at which node:readline would split. */

/** Longer lines are not rows; their bytes are discarded. */
export const lineByteLengthMax = 16 * 1024 * 1024;
const lineFeed = 10;

export interface Line {
  /** 1-based. */
  readonly number: number;
  /** Without the LF; undefined when longer than `lineByteLengthMax`. */
  readonly bytes: Uint8Array | undefined;
}

/** Collects bytes until their end is found. */
export class OpenBytes {
  #parts: Uint8Array[] = [];
  #byteLength = 0;

  add(part: Uint8Array): void {
    this.#byteLength += part.byteLength;
    if (this.#byteLength <= lineByteLengthMax) this.#parts.push(part);
    else this.#parts = [];
  }

  get isEmpty(): boolean {
    return this.#byteLength === 0;
  }

  /** Returns the bytes and starts over; undefined if there were more than `lineByteLengthMax`. */
  close(): Uint8Array | undefined {
    const bytes = this.#byteLength <= lineByteLengthMax ? Buffer.concat(this.#parts) : undefined;
    this.#parts = [];
    this.#byteLength = 0;
    return bytes;
  }
}

/** Yields the lines; a last line without LF counts. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const open = new OpenBytes();
  let number = 1;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, start)) {
      open.add(piece.subarray(start, end));
      yield { number: number++, bytes: open.close() };
      start = end + 1;
    }
    if (start < piece.byteLength) open.add(piece.subarray(start));
  }
  if (!open.isEmpty) yield { number, bytes: open.close() };
}
