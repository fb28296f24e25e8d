/** Weights and optimizer state of one policy: tensors by name, read from and written to Hugging Face folders. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor as StoredTensor } from '../../../artifacts/safetensors.ts';
import { readSafetensorsFolder, writeSafetensorsFolder } from '../../../artifacts/safetensors-folder.ts';
import { readFloat32 } from '../../../artifacts/tensor-values.ts';
import { MtrlError } from '../../../core/errors.ts';
import { Rng } from '../../../core/rng.ts';
import { type Idefics3Config, parseIdefics3Config } from '../../models/idefics3-config.ts';
import type { ParameterSpec } from '../../models/parameters.ts';

export type TensorData = Map<string, Float32Array>;

/** AdamW's moments and the number of updates they have seen. */
export interface OptimizerState {
  readonly m: TensorData;
  readonly v: TensorData;
  updateCount: number;
}

export const newOptimizerState = (specs: readonly ParameterSpec[]): OptimizerState => ({
  m: zerosFor(specs),
  v: zerosFor(specs),
  updateCount: 0,
});

export async function readConfig(folder: string): Promise<{ readonly config: Idefics3Config; readonly text: string }> {
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
  return { config: parseIdefics3Config(json, file), text };
}

/** @throws CHECKPOINT_INVALID naming the tensor that is missing or does not fit the config */
export async function readWeights(folder: string, specs: readonly ParameterSpec[]): Promise<TensorData> {
  const tensors = await readSafetensorsFolder(folder, 'model');
  return pickTensors(tensors, specs, '', folder);
}

/** Fresh weights, as transformers initialises Llama and SigLIP: normal with deviation 0.02, residual outputs scaled down by depth. */
export function initialWeights(config: Idefics3Config, specs: readonly ParameterSpec[], seed: number): TensorData {
  const deviation = 0.02;
  const residualDeviation = deviation / Math.sqrt(2 * config.text.layerCount);
  return new Map(
    specs.map((spec) => {
      const data = new Float32Array(elementCount(spec));
      if (spec.role === 'scale') data.fill(1);
      else if (spec.role !== 'bias') {
        const rng = new Rng('initial-weights', seed, spec.name);
        const scale = spec.role === 'residual-matrix' ? residualDeviation : deviation;
        for (let i = 0; i < data.length; i++) data[i] = rng.normal() * scale;
      }
      return [spec.name, data];
    }),
  );
}

export async function writeWeights(
  folder: string,
  specs: readonly ParameterSpec[],
  weights: TensorData,
  configText: string,
): Promise<void> {
  await writeSafetensorsFolder(folder, 'model', stored(specs, weights, ''));
  await writeFile(join(folder, 'config.json'), configText);
}

export async function writeOptimizer(
  folder: string,
  specs: readonly ParameterSpec[],
  state: OptimizerState,
): Promise<void> {
  const count: StoredTensor = {
    dtype: 'I64',
    shape: [],
    data: new Uint8Array(BigInt64Array.of(BigInt(state.updateCount)).buffer),
  };
  const tensors = new Map([
    ...stored(specs, state.m, 'm:'),
    ...stored(specs, state.v, 'v:'),
    ['updateCount', count] as const,
  ]);
  await writeSafetensorsFolder(folder, 'optimizer', tensors);
}

export async function readOptimizer(folder: string, specs: readonly ParameterSpec[]): Promise<OptimizerState> {
  const tensors = await readSafetensorsFolder(folder, 'optimizer');
  const count = tensors.get('updateCount');
  if (count?.dtype !== 'I64')
    throw new MtrlError('CHECKPOINT_INVALID', 'the optimizer state has no updateCount', { where: folder });
  return {
    m: pickTensors(tensors, specs, 'm:', folder),
    v: pickTensors(tensors, specs, 'v:', folder),
    updateCount: Number(new DataView(count.data.buffer, count.data.byteOffset, 8).getBigInt64(0, true)),
  };
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

function zerosFor(specs: readonly ParameterSpec[]): TensorData {
  return new Map(specs.map((spec) => [spec.name, new Float32Array(elementCount(spec))]));
}

function stored(specs: readonly ParameterSpec[], data: TensorData, prefix: string): Map<string, StoredTensor> {
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

function pickTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  specs: readonly ParameterSpec[],
  prefix: string,
  folder: string,
): TensorData {
  return new Map(
    specs.map(({ name, shape }): [string, Float32Array] => {
      const tensor = tensors.get(`${prefix}${name}`);
      if (tensor === undefined)
        throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${prefix}${name} is missing`, { where: folder });
      if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
        throw new MtrlError('CHECKPOINT_INVALID', `the tensor ${prefix}${name} does not fit config.json`, {
          where: folder,
          found: `[${tensor.shape.join(', ')}]`,
          hint: `config.json asks for [${shape.join(', ')}]`,
        });
      }
      return [name, readFloat32(tensor)];
    }),
  );
}
