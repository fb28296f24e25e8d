/** Streams the value of one member of a JSON object, so that rows below other members need not fit into memory. */

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);
/** Longer names of members are not the one that is looked for. */
const keyByteLengthMax = 1000;

/**
 * The bytes of the member's value; the text after it is not read. Throws a plain Error if the text is not an object, or
 * ends without the member.
 */
export async function* jsonMember(pieces: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  /** Bytes of the string at depth 1 that was read last, with its quotes. */
  let key: number[] = [];
  let isWanted = false;
  for await (const piece of pieces) {
    let start = isWanted ? 0 : piece.byteLength;
    for (let i = 0; i < piece.byteLength; i++) {
      const byte = piece[i] ?? 0;
      if (inString) {
        if (depth === 1 && !isWanted && key.length < keyByteLengthMax) key.push(byte);
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) inString = false;
        continue;
      }
      if (byte === quote) {
        inString = true;
        if (depth === 1 && !isWanted) key = [byte];
      } else if (depth === 0 && byte === 0x5b) throw new Error('the JSON value is an array, not an object');
      else if (opening.has(byte)) depth++;
      else if (byte === colon && depth === 1 && !isWanted && isNamed(key, name)) {
        isWanted = true;
        start = i + 1;
      } else if (isWanted && depth === 1 && (byte === comma || closing.has(byte))) {
        yield piece.subarray(start, i);
        return;
      } else if (closing.has(byte)) depth--;
    }
    if (start < piece.byteLength) yield piece.subarray(start);
  }
  throw new Error(isWanted ? 'the JSON value is truncated' : `the JSON object has no member ${name}`);
}

function isNamed(key: readonly number[], name: string): boolean {
  try {
    return JSON.parse(Buffer.from(key).toString('utf8')) === name;
  } catch {
    return false;
  }
}
