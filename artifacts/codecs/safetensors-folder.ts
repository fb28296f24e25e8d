/**
 * Tensors in a folder, in Hugging Face layout: `model.safetensors`, or shards `model-00001-of-00003.safetensors` with
 * `model.safetensors.index.json`. Shards keep stored objects small. A tensor is never split, so a tensor larger than a
 * shard makes a larger file.
 */
import { existsSync, readdirSync } from 'node:fs';
import { open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { refuseLfsPointer } from '../../core/lfs-pointer.ts';
import { isRecord, parseJsonBytes } from './json-value.ts';
import {
  encodeSafetensors,
  layoutOrder,
  lengthByteLength,
  readHeader,
  readHeaderLength,
  type Tensor,
  tensorByteLength,
} from './safetensors.ts';

const shardByteLengthMaxDefault = 64 << 20;
/** Bytes reserved for the header of a shard. */
const headerAllowance = 1 << 20;
/** `transformers` requires the name of the framework that wrote the file. */
const metadata = { format: 'pt' };

/** Whether the file's name is that of weights or of an index of weights. */
export const isTensorFile = (name: string): boolean => /\.safetensors(\.index\.json)?$/.test(name);

/** A tensor whose bytes are read when its file is written. */
export type LazyTensor = Omit<Tensor, 'data'> & { readonly data: () => Promise<Uint8Array> };

/**
 * Writes the files and returns their names, sorted. The same tensors give the same files. Lazy tensors are in memory one
 * file at a time.
 */
export async function writeSafetensorsFolder(
  folder: string,
  baseName: string,
  tensors: ReadonlyMap<string, Tensor | LazyTensor>,
  shardByteLengthMax = shardByteLengthMaxDefault,
): Promise<string[]> {
  const shards = cutIntoShards(
    tensors,
    Math.max(1, shardByteLengthMax - Math.min(headerAllowance, shardByteLengthMax / 2)),
  );
  if (shards.length === 1) {
    await writeFile(join(folder, `${baseName}.safetensors`), encodeSafetensors(await withData(tensors), metadata));
    return [`${baseName}.safetensors`];
  }
  const count = String(shards.length).padStart(5, '0');
  const fileNames: string[] = [];
  const weightMap: [string, string][] = [];
  let totalSize = 0;
  for (const [i, shard] of shards.entries()) {
    const fileName = `${baseName}-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`;
    await writeFile(join(folder, fileName), encodeSafetensors(await withData(shard), metadata));
    fileNames.push(fileName);
    for (const [name, { dtype, shape }] of shard) {
      weightMap.push([name, fileName]);
      totalSize += tensorByteLength(dtype, shape);
    }
  }
  weightMap.sort(([a], [b]) => (a < b ? -1 : 1));
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(weightMap) };
  await writeFile(join(folder, indexName(baseName)), `${JSON.stringify(index, null, 2)}\n`);
  return [...fileNames, indexName(baseName)];
}

/**
 * The files that hold the tensors, in the order in which transformers looks for them: the one file, else the index and the
 * shards that it names. Others in the folder (`consolidated.safetensors`, `model.fp16.safetensors`, pickled ones) are never
 * read. Throws FILE_MISSING, CHECKPOINT_INVALID.
 */
export async function tensorFiles(folder: string, baseName: string): Promise<string[]> {
  const single = `${baseName}.safetensors`;
  if (existsSync(join(folder, single))) return [single];
  const index = await readIndex(folder, baseName);
  if (index === undefined) throw noWeights(join(folder, single));
  return [...new Set(index.values())].sort().concat(indexName(baseName));
}

/** Reads all tensors of the folder. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING. */
export async function readSafetensorsFolder(folder: string, baseName: string): Promise<Map<string, Tensor>> {
  const fileNames = (await tensorFiles(folder, baseName)).filter((name) => name.endsWith('.safetensors'));
  const tensors = new Map<string, Tensor>();
  const fileOf = new Map<string, string>();
  for (const fileName of fileNames) {
    for (const [name, tensor] of await readSafetensorsFile(join(folder, fileName))) {
      const other = tensors.get(name);
      if (other !== undefined && !isSame(other, tensor)) {
        throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${name} is in two files, with different values`, {
          where: folder,
          found: `${fileOf.get(name) ?? ''} and ${fileName}`,
          hint: 'delete the shards of another save, or save the model again to an empty folder',
        });
      }
      tensors.set(name, tensor);
      fileOf.set(name, fileName);
    }
  }
  const index = fileNames.includes(`${baseName}.safetensors`) ? [] : ((await readIndex(folder, baseName)) ?? []);
  for (const [name, fileName] of index) {
    if (tensors.has(name)) continue;
    throw new MtrlError('CHECKPOINT_INVALID', `tensor ${name} is not in the file that the index names`, {
      where: join(folder, fileName),
    });
  }
  return tensors;
}

const isSame = (a: Tensor, b: Tensor): boolean =>
  a.dtype === b.dtype && a.shape.join() === b.shape.join() && Buffer.from(a.data).equals(b.data);

/** Reads each tensor into memory of its own, so that a large file is never held twice. */
async function readSafetensorsFile(path: string): Promise<Map<string, Tensor>> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw noWeights(path, cause);
  });
  try {
    const { size } = await file.stat();
    const start = await readAt(file, 0, Math.min(64, size));
    refuseLfsPointer(new TextDecoder().decode(start), 'the weights file', path);
    const headerByteLength = readHeaderLength(start.subarray(0, lengthByteLength), size, path);
    const header = await readAt(file, lengthByteLength, headerByteLength);
    const { entries, dataOffset } = readHeader(header, size, path);
    const tensors = new Map<string, Tensor>();
    for (const { name, dtype, shape, begin, end } of entries) {
      tensors.set(name, { dtype, shape, data: await readAt(file, dataOffset + begin, end - begin) });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** Pickled weights run code when they are opened, so they never are. */
function noWeights(path: string, cause?: unknown): MtrlError {
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

async function readAt(file: FileHandle, position: number, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(byteLength - done, 1 << 30), position + done);
    if (bytesRead === 0) throw new MtrlError('CHECKPOINT_INVALID', 'the weights file was truncated while it was read');
    done += bytesRead;
  }
  return bytes;
}

async function withData(tensors: ReadonlyMap<string, Tensor | LazyTensor>): Promise<Map<string, Tensor>> {
  const read = new Map<string, Tensor>();
  for (const [name, { data, ...rest }] of tensors)
    read.set(name, { ...rest, data: typeof data === 'function' ? await data() : data });
  return read;
}

function cutIntoShards<T extends Tensor | LazyTensor>(
  tensors: ReadonlyMap<string, T>,
  byteLengthMax: number,
): Map<string, T>[] {
  const shards: Map<string, T>[] = [];
  let byteLength = Infinity;
  for (const [name, tensor] of layoutOrder(tensors)) {
    const added = tensorByteLength(tensor.dtype, tensor.shape);
    if (byteLength + added > byteLengthMax) {
      shards.push(new Map());
      byteLength = 0;
    }
    shards.at(-1)?.set(name, tensor);
    byteLength += added;
  }
  if (shards.length === 0) shards.push(new Map());
  return shards;
}

function indexName(baseName: string): string {
  return `${baseName}.safetensors.index.json`;
}

/** Tensor name -> file name; undefined if the folder has no index. */
async function readIndex(folder: string, baseName: string): Promise<ReadonlyMap<string, string> | undefined> {
  const path = join(folder, indexName(baseName));
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const value = parseJsonBytes(bytes);
  const weightMap = isRecord(value) ? value['weight_map'] : undefined;
  const entries = isRecord(weightMap) ? Object.entries(weightMap) : [];
  // The index must not name files outside the folder.
  const wellFormed = entries.every(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && /^[\w.-]+$/.test(entry[1]),
  );
  if (wellFormed && entries.length > 0) return new Map(entries);
  throw new MtrlError('CHECKPOINT_INVALID', 'weight_map must map every tensor to a file in the folder', {
    where: path,
  });
}
