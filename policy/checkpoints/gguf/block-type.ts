/** How a GGUF file stores the values of a tensor: in blocks that share a scale, which is a float16. */
import { readFloat32 } from '../../../artifacts/codecs/tensor-values.ts';

export interface BlockType {
  /** Values in a block. */
  readonly valueCount: number;
  /** Bytes of a block. */
  readonly byteLength: number;
  /** Values of whole blocks. */
  readonly decode: (data: Uint8Array) => Float32Array;
}

/** Writes the values of the block that starts at byte `at` to `values`, from index `to` on. */
export type DecodeBlock = (data: Uint8Array, at: number, values: Float32Array, to: number) => void;

export function blocksOf(valueCount: number, byteLength: number, decodeBlock: DecodeBlock): BlockType {
  const decode = (data: Uint8Array): Float32Array => {
    const blockCount = data.byteLength / byteLength;
    const values = new Float32Array(blockCount * valueCount);
    for (let i = 0; i < blockCount; i++) decodeBlock(data, i * byteLength, values, i * valueCount);
    return values;
  };
  return { valueCount, byteLength, decode };
}

const halves = readFloat32({
  dtype: 'F16',
  shape: [1 << 16],
  data: new Uint8Array(Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits).buffer),
});

/** The float16 at byte `at`. */
export function halfAt(data: Uint8Array, at: number): number {
  return halves[byteAt(data, at) | (byteAt(data, at + 1) << 8)] as number;
}

export function byteAt(data: Uint8Array, at: number): number {
  return data[at] as number;
}

/** The byte at `at` as a signed number. */
export function signedAt(data: Uint8Array, at: number): number {
  return (byteAt(data, at) << 24) >> 24;
}
