/**
 * Tensors in a folder, in Hugging Face layout: `model.safetensors`, or shards `model-00001-of-00003.safetensors` with
 * `model.safetensors.index.json`. Shards keep stored objects small. A tensor is never split, so a tensor larger than a
 * shard makes a larger file.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { isRecord, parseJsonBytes } from './json-value.ts';
import { layoutOrder, type Tensor, tensorByteLength } from './safetensors.ts';
import {
  type LazyTensor,
  missingWeights,
  openSafetensorsFile,
  type TensorInFile,
  writeSafetensorsFile,
} from './safetensors-file.ts';

const shardByteLengthMaxDefault = 64 << 20;
/** Bytes reserved for the header of a shard. */
const headerAllowance = 1 << 20;

/** Whether the file's name is that of weights or of an index of weights. */
export const isTensorFile = (name: string): boolean => /\.safetensors(\.index\.json)?$/.test(name);

/**
 * Writes the files and returns their names, sorted. The same tensors give the same files. Lazy tensors are in memory one
 * at a time.
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
    await writeSafetensorsFile(join(folder, `${baseName}.safetensors`), tensors);
    return [`${baseName}.safetensors`];
  }
  const count = String(shards.length).padStart(5, '0');
  const fileNames: string[] = [];
  const weightMap: [string, string][] = [];
  let totalSize = 0;
  for (const [i, shard] of shards.entries()) {
    const fileName = `${baseName}-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`;
    await writeSafetensorsFile(join(folder, fileName), shard);
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
  if (index === undefined) throw missingWeights(join(folder, single));
  return [...new Set(index.values())].sort().concat(indexName(baseName));
}

/** Reads all tensors of the folder. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING. */
export async function readSafetensorsFolder(folder: string, baseName: string): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of await openSafetensorsFolder(folder, baseName))
    tensors.set(name, { ...tensor, data: await tensor.data() });
  return tensors;
}

/**
 * Reads what tensors the folder has, but not their bytes. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED,
 * FILE_MISSING.
 */
export async function openSafetensorsFolder(folder: string, baseName: string): Promise<Map<string, TensorInFile>> {
  const fileNames = (await tensorFiles(folder, baseName)).filter((name) => name.endsWith('.safetensors'));
  const tensors = new Map<string, TensorInFile>();
  const fileOf = new Map<string, string>();
  for (const fileName of fileNames) {
    for (const [name, tensor] of await openSafetensorsFile(join(folder, fileName))) {
      const other = tensors.get(name);
      if (other !== undefined && !(await isSame(other, tensor))) {
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

const isSame = async (a: TensorInFile, b: TensorInFile): Promise<boolean> =>
  a.dtype === b.dtype && a.shape.join() === b.shape.join() && Buffer.from(await a.data()).equals(await b.data());

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
