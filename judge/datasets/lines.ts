/** Lines of a file as bytes, cut at LF only: JSON strings may hold U+2028, where node:readline would cut. */
import { createReadStream } from 'node:fs';

/** A longer line is no row; its bytes are not kept. */
export const lineByteLengthMax = 16 * 1024 * 1024;
const lineFeed = 10;

export interface Line {
  /** 1-based. */
  readonly number: number;
  /** Without the LF; undefined when longer than `lineByteLengthMax`. */
  readonly bytes: Uint8Array | undefined;
}

/** The line being read. */
class OpenLine {
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

  close(number: number): Line {
    const bytes = this.#byteLength <= lineByteLengthMax ? Buffer.concat(this.#parts) : undefined;
    this.#parts = [];
    this.#byteLength = 0;
    return { number, bytes };
  }
}

/** A last line without LF counts. */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  const open = new OpenLine();
  let number = 1;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      open.add(chunk.subarray(start, end));
      yield open.close(number++);
      start = end + 1;
    }
    if (start < chunk.byteLength) open.add(chunk.subarray(start));
  }
  if (!open.isEmpty) yield open.close(number);
}
