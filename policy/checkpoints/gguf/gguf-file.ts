/** A GGUF file: its metadata, and its tensors as float32. Format: docs/gguf.md of ggml. */
import { open } from 'node:fs/promises';
import { gguf, GGMLQuantizationType } from '@huggingface/gguf';
import { MtrlError } from '../../../core/errors.ts';
import type { BlockType } from './block-type.ts';
import { blockTypes } from './block-types.ts';
import { GgufMetadata } from './metadata.ts';

export interface GgufFile {
  readonly path: string;
  readonly metadata: GgufMetadata;
  /** In the order of the file. */
  readonly tensors: readonly GgufTensor[];
}

export interface GgufTensor {
  readonly name: string;
  /** ggml's name of the type, such as Q4_K. */
  readonly typeName: string;
  /** Row-major, as in the checkpoint that was converted; the file has the sizes in reverse. */
  readonly shape: readonly number[];
  /** Bytes [begin, begin + byteLength) of the file. */
  readonly begin: number;
  readonly byteLength: number;
}

/**
 * Reads all but the tensors' values. The library may be a remote file's reader; here it reads a local file alone.
 * @throws FILE_MISSING; CHECKPOINT_INVALID for a file that is cut short or is not GGUF; CHECKPOINT_UNSUPPORTED naming a
 * tensor whose type cannot be read
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const byteLength = await fileByteLength(path);
  const { metadata, tensorInfos, tensorDataOffset, littleEndian } = await parsed(path, byteLength);
  if (!littleEndian)
    throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'the GGUF file is big-endian', {
      where: path,
      hint: 'convert it with gguf_convert_endian.py of llama.cpp',
    });
  const tensors = tensorInfos.map(({ name, shape, dtype, offset }) => {
    const typeName = typeNames[dtype] ?? `type ${dtype}`;
    const sizes = [...shape].reverse().map(Number);
    const blocks = typeOf(typeName, name, path);
    const length = tensorByteLength(blocks, sizes, name, path);
    return { name, typeName, shape: sizes, begin: Number(tensorDataOffset + offset), byteLength: length };
  });
  // Not spread into one call: a broken file may claim a million tensors.
  const end = tensors.reduce((most, tensor) => Math.max(most, tensor.begin + tensor.byteLength), 0);
  if (end > byteLength) throw cutShort(path, byteLength, `its tensors end at byte ${end}`);
  return { path, metadata: new GgufMetadata(path, { ...metadata }), tensors };
}

/** ggml's names by number; newer files may have numbers that the library does not know. */
const typeNames: Readonly<Record<number, string | undefined>> = GGMLQuantizationType;

/** Values of one tensor, row-major. */
export async function readGgufTensor({ path }: GgufFile, tensor: GgufTensor): Promise<Float32Array> {
  const file = await open(path, 'r');
  try {
    const data = new Uint8Array(tensor.byteLength);
    for (let done = 0; done < data.byteLength;) {
      const { bytesRead } = await file.read(data, done, Math.min(data.byteLength - done, 1 << 30), tensor.begin + done);
      if (bytesRead === 0) throw cutShort(path, tensor.begin + done, 'it became shorter while it was read');
      done += bytesRead;
    }
    return typeOf(tensor.typeName, tensor.name, path).decode(data);
  } finally {
    await file.close();
  }
}

async function fileByteLength(path: string): Promise<number> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new MtrlError('FILE_MISSING', 'the GGUF file cannot be read', { where: path, cause });
  });
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function parsed(path: string, byteLength: number) {
  try {
    return await gguf(path, { allowLocalFile: true });
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new MtrlError('CHECKPOINT_INVALID', 'the file is not a whole GGUF file', {
      where: path,
      found: `${found} (${byteLength} bytes)`,
      hint: 'download it again; a file of some hundred bytes is a pointer that `git lfs pull` replaces',
      cause,
    });
  }
}

function typeOf(typeName: string, tensorName: string, where: string): BlockType {
  const type = blockTypes.get(typeName);
  if (type !== undefined) return type;
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', `tensor ${tensorName} has a GGUF type that cannot be read`, {
    where,
    found: typeName,
    hint: `use a file with tensors of ${[...blockTypes.keys()].join(', ')}`,
  });
}

function tensorByteLength(type: BlockType, shape: readonly number[], name: string, where: string): number {
  const columnCount = shape.at(-1) ?? 1;
  if (columnCount % type.valueCount === 0)
    return (shape.reduce((product, size) => product * size, 1) / type.valueCount) * type.byteLength;
  throw new MtrlError('CHECKPOINT_INVALID', `the rows of tensor ${name} are not whole blocks`, {
    where,
    found: `[${shape.join(', ')}]`,
    hint: `a row must be a multiple of ${type.valueCount} values`,
  });
}

function cutShort(where: string, byteLength: number, found: string): MtrlError {
  return new MtrlError('CHECKPOINT_INVALID', 'the GGUF file is cut short', {
    where,
    found: `${byteLength} bytes, but ${found}`,
    hint: 'download it again',
  });
}
