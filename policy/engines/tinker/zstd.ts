/** Compression of passes with zstd, for servers that ask for it. Its WebAssembly is loaded at the first use. */

/** First bytes of a frame. */
const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** One frame, whose header has the length of the content, at zstd's default level: what the SDK's compressor makes. */
export async function zstdFrameOf(bytes: Uint8Array): Promise<Uint8Array> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  return (await Zstd.load()).compress(bytes);
}

export function isZstdFrame(bytes: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}
