/**
 * Streams the elements of a JSON array or object that is too large for memory: finds them by counting brackets outside
 * strings, and leaves their parsing to JSON.parse.
 */
import { OpenBytes } from '../sources/lines.ts';

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);
/** Space, tab, LF, CR, and the three bytes of a byte order mark. */
const between = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

export interface JsonElement {
  /** The element's text, for objects `"key": value`; undefined if it is longer than a row may be. */
  readonly bytes: Uint8Array | undefined;
  readonly isMember: boolean;
}

/** Throws a plain Error if the text is not an array or object, is truncated, or has text after its end. */
export async function* jsonElements(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<JsonElement> {
  const open = new OpenBytes();
  let depth = 0;
  let isMember = false;
  let hasEnded = false;
  let inString = false;
  let isEscaped = false;
  for await (const piece of pieces) {
    let start = 0;
    for (let i = 0; i < piece.byteLength; i++) {
      const byte = piece[i] ?? 0;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) inString = false;
        continue;
      }
      if (depth === 0) {
        if (between.has(byte)) continue;
        if (hasEnded) throw new Error('there is text after the end of the JSON value');
        if (!opening.has(byte)) throw new Error('the JSON value is neither an array nor an object');
        isMember = byte === 0x7b;
        depth = 1;
        start = i + 1;
      } else if (byte === quote) inString = true;
      else if (opening.has(byte)) depth++;
      else if (closing.has(byte) && depth > 1) depth--;
      else if (depth === 1 && (byte === comma || closing.has(byte))) {
        open.add(piece.subarray(start, i));
        const bytes = open.close();
        start = i + 1;
        if (byte !== comma) [depth, hasEnded] = [0, true];
        // skip white space alone before the end: an empty list, or a trailing comma
        if (byte === comma || bytes?.every((each) => between.has(each)) !== true) yield { bytes, isMember };
      }
    }
    if (depth > 0 && start < piece.byteLength) open.add(piece.subarray(start));
  }
  if (!hasEnded) throw new Error('the JSON value is truncated');
}
