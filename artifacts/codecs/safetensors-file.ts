/** One safetensors file, read and written a tensor at a time: a model may fill most of the memory. */
import { existsSync, readdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { refuseLfsPointer } from '../../core/lfs-pointer.ts';
import {
  encodeHeader,
  layoutOrder,
  lengthByteLength,
  readHeader,
  readHeaderLength,
  requireBytes,
  type Tensor,
} from './safetensors.ts';

/** `transformers` requires the name of the framework that wrote the file. */
const metadata = { format: 'pt' };

/** A tensor whose bytes are made when its file is written. They may change once the next tensor's are made. */
export type LazyTensor = Omit<Tensor, 'data'> & { readonly data: () => Promise<Uint8Array> };

/** A tensor of a file. */
export type TensorInFile = Omit<Tensor, 'data'> & {
  /**
   * Reads the tensor's bytes.
   * @param into memory of as many bytes, which is returned; default: new memory
   */
  readonly data: (into?: Uint8Array) => Promise<Uint8Array>;
};

/** Throws CHECKPOINT_INVALID if a tensor's bytes do not match its shape. */
export async function writeSafetensorsFile(
  path: string,
  tensors: ReadonlyMap<string, Tensor | LazyTensor>,
): Promise<void> {
  const ordered = layoutOrder(tensors);
  const file = await open(path, 'w');
  try {
    await file.writeFile(encodeHeader(ordered, metadata));
    for (const [name, tensor] of ordered) {
      const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
      requireBytes(name, tensor, data);
      await file.writeFile(data);
    }
  } finally {
    await file.close();
  }
}

/** Reads the file's header. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING. */
export async function openSafetensorsFile(path: string): Promise<Map<string, TensorInFile>> {
  const { entries, dataOffset } = await withFile(path, async (file) => {
    const { size } = await file.stat();
    const start = await readAt(file, 0, new Uint8Array(Math.min(64, size)));
    refuseLfsPointer(new TextDecoder().decode(start), 'the weights file', path);
    const headerByteLength = readHeaderLength(start.subarray(0, lengthByteLength), size, path);
    return readHeader(await readAt(file, lengthByteLength, new Uint8Array(headerByteLength)), size, path);
  });
  return new Map(
    entries.map(({ name, dtype, shape, begin, end }) => {
      const data = (into: Uint8Array = new Uint8Array(end - begin)) =>
        withFile(path, (file) => readAt(file, dataOffset + begin, into));
      return [name, { dtype, shape, data }];
    }),
  );
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw missingWeights(path, cause);
  });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, bytes: Uint8Array): Promise<Uint8Array> {
  for (let done = 0; done < bytes.byteLength;) {
    const count = Math.min(bytes.byteLength - done, 1 << 30);
    const { bytesRead } = await file.read(bytes, done, count, position + done);
    if (bytesRead === 0) throw new MtrlError('CHECKPOINT_INVALID', 'the weights file was truncated while it was read');
    done += bytesRead;
  }
  return bytes;
}

/** Pickled weights run code when they are opened, so they never are. */
export function missingWeights(path: string, cause?: unknown): MtrlError {
  const names = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
  const pickled = names.filter((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  const other = names.filter((name) => name.endsWith('.safetensors'));
  return new MtrlError('FILE_MISSING', 'the weights file does not exist', {
    where: path,
    ...(other.length > 0 && {
      found: `weights of other names: ${other.join(', ')}`,
      hint: 'only model.safetensors, or shards with model.safetensors.index.json, are read: convert a consolidated.safetensors, and rename a variant such as model.fp16.safetensors',
    }),
    ...(pickled.length > 0 && {
      found: `pickled weights: ${pickled.join(', ')}`,
      hint: 'pickled weights can run code and are never opened; save the model as safetensors with save_pretrained of transformers',
    }),
    ...(cause !== undefined && { cause }),
  });
}
