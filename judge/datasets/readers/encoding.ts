/** Text in any of the encodings that a byte order mark names, or a recipe. */

const byteOrderMarks = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
] as const;

function markedEncoding(piece: Uint8Array): (typeof byteOrderMarks)[number][1] | undefined {
  return byteOrderMarks.find(([mark]) => mark.every((byte, i) => piece[i] === byte))?.[1];
}

/**
 * Decodes piece by piece, by the byte order mark if there is one; bytes that are invalid in the encoding become U+FFFD.
 */
export async function* decoded(pieces: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const piece of pieces) {
    decoder ??= new TextDecoder(markedEncoding(piece) ?? encoding);
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder?.decode() ?? '';
}

/** The text as UTF-8. Only a byte order mark of UTF-16 changes anything: PowerShell writes such files. */
export async function* asUtf8(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let isFirst = true;
  for await (const piece of pieces) {
    const encoding = isFirst ? markedEncoding(piece) : undefined;
    if (encoding !== undefined && encoding !== 'utf-8') decoder = new TextDecoder(encoding);
    isFirst = false;
    yield decoder === undefined ? piece : Buffer.from(decoder.decode(piece, { stream: true }));
  }
  if (decoder !== undefined) yield Buffer.from(decoder.decode());
}
