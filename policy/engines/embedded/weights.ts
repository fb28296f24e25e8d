/** Weights and optimizer state of one policy: tensors by name, read from and written to Hugging Face folders. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDtype } from '../../../artifacts/codecs/checkpoint-dtype.ts';
import type { Tensor as StoredTensor } from '../../../artifacts/codecs/safetensors.ts';
import type { TensorInFile } from '../../../artifacts/codecs/safetensors-file.ts';
import { openSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import { readFloat32, readFloat32To } from '../../../artifacts/codecs/tensor-values.ts';
import { MtrlError } from '../../../core/errors.ts';
import { Rng } from '../../../core/rng.ts';
import { type Architecture, readArchitecture } from '../../models/architecture.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { isHiddenMatrix } from '../../optimizer/muon-graph.ts';

export type TensorData = Map<string, Float32Array>;

/** Moments, and the number of updates applied. */
export interface OptimizerState {
  readonly m: TensorData;
  /** Second moments of the weights that AdamW updates; their names show which optimizer the state belongs to. */
  readonly v: TensorData;
  updateCount: number;
}

/** Specs of the weights with a second moment: all trained weights; with Muon, all but hidden matrices. */
export function squared(specs: readonly ParameterSpec[], withMuon: boolean): ParameterSpec[] {
  return specs.filter((spec) => isTrained(spec) && !(withMuon && isHiddenMatrix(spec)));
}

/** @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED */
export async function readConfig(
  folder: string,
): Promise<{ readonly architecture: Architecture; readonly text: string }> {
  const file = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MtrlError('FILE_MISSING', 'the checkpoint has no config.json', { where: file, cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new MtrlError('CHECKPOINT_INVALID', 'config.json is not JSON', { where: file, cause });
  }
  return { architecture: readArchitecture(json, file), text: withDtype(text, 'float32') };
}

/** Memory for the values of a weight; what it contains is overwritten. */
export type MemoryFor = (spec: ParameterSpec) => Float32Array;

export const newMemory: MemoryFor = (spec) => new Float32Array(elementCount(spec));

/** The memory of weights that are no longer needed for those of the same name and size. */
export function memoryOf(weights: TensorData, memoryFor: MemoryFor): MemoryFor {
  return (spec) => {
    const values = weights.get(spec.name);
    return values?.length === elementCount(spec) ? values : memoryFor(spec);
  };
}

/** @throws CHECKPOINT_INVALID naming a tensor that is missing, does not fit the config or is not part of its model */
export async function readWeights(
  folder: string,
  specs: readonly ParameterSpec[],
  memoryFor: MemoryFor = newMemory,
): Promise<TensorData> {
  const tensors = await openWeights(folder, specs);
  const weights = await readTensors(tensors, specs, { folder, memoryFor });
  await requireOneHead(tensors, weights, folder);
  return weights;
}

/** The tensors of a checkpoint that has the weights of the specs and, but for those that follow from them, no others. */
export async function openWeights(folder: string, specs: readonly ParameterSpec[]): Promise<TensorsInFiles> {
  const tensors = await openSafetensorsFolder(folder, 'model');
  const expected = new Set(specs.map(({ name }) => name));
  const extra = [...tensors.keys()].find((name) => !expected.has(name) && !redundant.test(name));
  if (extra === undefined) return tensors;
  throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${extra} does not belong to the model of config.json`, {
    where: folder,
  });
}

export type TensorsInFiles = ReadonlyMap<string, TensorInFile>;

/**
 * Reads one tensor after the other to where it will stay, so that memory holds no second copy.
 * @param prefix of the names in the files; default: none
 * @throws CHECKPOINT_INVALID naming a tensor that is missing, does not fit the config or has a value that is not finite
 */
export async function readTensors(
  tensors: TensorsInFiles,
  specs: readonly ParameterSpec[],
  {
    prefix = '',
    folder,
    memoryFor,
  }: { readonly prefix?: string; readonly folder: string; readonly memoryFor: MemoryFor },
): Promise<TensorData> {
  const found = specs.map((spec) => ({ spec, tensor: tensorOf(tensors, spec, prefix, folder) }));
  const data: TensorData = new Map();
  for (const { spec, tensor } of found) {
    const values = memoryFor(spec);
    await readFloat32To(values, tensor);
    requireFinite(`${prefix}${spec.name}`, values, folder);
    data.set(spec.name, values);
  }
  return data;
}

function tensorOf(
  tensors: TensorsInFiles,
  { name, shape }: ParameterSpec,
  prefix: string,
  folder: string,
): TensorInFile {
  const tensor = tensors.get(`${prefix}${name}`);
  if (tensor === undefined)
    throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${prefix}${name} is missing`, { where: folder });
  if (tensor.shape.length === shape.length && tensor.shape.every((size, axis) => size === shape[axis])) return tensor;
  throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${prefix}${name} does not fit config.json`, {
    where: folder,
    found: `[${tensor.shape.join(', ')}]`,
    hint: `config.json requires [${shape.join(', ')}]`,
  });
}

/** Such a weight makes every log-prob NaN, so that no score means anything. */
function requireFinite(name: string, values: Float32Array, folder: string): void {
  let sum = 0;
  // Infinity and NaN times 0 are NaN; all other products are 0.
  for (const value of values) sum += value * 0;
  if (sum === 0) return;
  const index = values.findIndex((value) => !Number.isFinite(value));
  throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${name} contains a value that is not finite`, {
    where: folder,
    found: `${values[index]} at ${index} of ${values.length}`,
    hint: 'the training that wrote the weights diverged, or the file is damaged: use an earlier checkpoint',
  });
}

/** A file may contain a head though config.json ties it to the embeddings; one that differs is meant to be used. */
async function requireOneHead(tensors: TensorsInFiles, weights: TensorData, folder: string): Promise<void> {
  const head = tensors.get(headName);
  const embeddings = [...weights].find(([name]) => name.endsWith('embed_tokens.weight'))?.[1];
  if (head === undefined || weights.has(headName) || embeddings === undefined) return;
  const values = readFloat32({ ...head, data: await head.data() });
  if (values.length === embeddings.length && values.every((value, i) => value === embeddings[i])) return;
  throw new MtrlError(
    'CHECKPOINT_UNSUPPORTED',
    `${headName} differs from the embeddings to which config.json ties it`,
    {
      where: folder,
      hint: 'set tie_word_embeddings to false in config.json to use the head, or delete the tensor to use the embeddings',
    },
  );
}

const headName = 'lm_head.weight';

/** Copies of a tied head, and tables that older checkpoints contain although they follow from the config. */
const redundant = /^lm_head\.weight$|\.rotary_emb\.inv_freq$|\.position_ids$/;

/**
 * Initial weights, as in transformers for Llama and SigLIP: normal with standard deviation 0.02, residual outputs
 * scaled down by depth. Adapters as in PEFT.
 */
export function initialWeights(
  { text }: Architecture,
  specs: readonly ParameterSpec[],
  { seed, memoryFor = newMemory }: { readonly seed: number; readonly memoryFor?: MemoryFor },
): TensorData {
  return new Map(specs.map((spec) => [spec.name, initialTensor(spec, text.layerCount, seed, memoryFor(spec))]));
}

function initialTensor(spec: ParameterSpec, layerCount: number, seed: number, data: Float32Array): Float32Array {
  if (spec.role === 'bias' || spec.role === 'adapter-out') return data.fill(0);
  if (spec.role === 'scale') return data.fill(1);
  const rng = new Rng('initial-weights', seed, spec.name);
  const deviation = spec.role === 'residual-matrix' ? 0.02 / Math.sqrt(2 * layerCount) : 0.02;
  const bound = 1 / Math.sqrt(spec.shape[1] ?? 1);
  for (let i = 0; i < data.length; i++)
    data[i] = spec.role === 'adapter-in' ? (2 * rng.uniform() - 1) * bound : rng.normal() * deviation;
  return data;
}

/** sha256 over names and bytes, tensors in name order. */
export function digestWeights(specs: readonly ParameterSpec[], weights: TensorData): string {
  const hash = createHash('sha256');
  for (const { name } of specs) {
    const data = weights.get(name) as Float32Array;
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

export function elementCount(spec: ParameterSpec): number {
  return spec.shape.reduce((a, b) => a * b, 1);
}

/** @param memoryFor zeros */
export function zerosFor(specs: readonly ParameterSpec[], memoryFor: MemoryFor = newMemory): TensorData {
  return new Map(specs.map((spec) => [spec.name, memoryFor(spec)]));
}

export function stored(specs: readonly ParameterSpec[], data: TensorData, prefix: string): Map<string, StoredTensor> {
  return new Map(
    specs.map(({ name, shape }): [string, StoredTensor] => {
      const values = data.get(name) as Float32Array;
      return [
        `${prefix}${name}`,
        { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) },
      ];
    }),
  );
}
