/**
 * Training state in addition to the checkpoint: the optimizer's moments and, if adapters are trained, the adapters and
 * the matrices that they adapt. In the checkpoint they are merged, which cannot be undone bit-exactly.
 */
import type { Tensor as StoredTensor } from '../../../artifacts/codecs/safetensors.ts';
import { readSafetensorsFolder, writeSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { TrainableSpec } from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import { type ParameterSpec, adapterInName, adapterOutName, isTrained } from '../../models/parameters.ts';
import { moduleOf, trainableSpecs } from '../../models/trainable.ts';
import { isHiddenMatrix } from '../../optimizer/muon-graph.ts';
import { readPeftAdapter, writePeftAdapter } from './peft-adapter.ts';
import { type OptimizerState, type TensorData, pickTensors, stored } from './weights.ts';

/** A policy with its training state. */
export interface TrainingState {
  readonly trainable: TrainableSpec;
  /** All weights, adapters included. */
  readonly specs: readonly ParameterSpec[];
  readonly weights: TensorData;
  readonly optimizer: OptimizerState;
}

const trainableName = 'trainable';

/** Writes the `optimizer*` files. Adapted matrices never change, so the store contains their file only once. */
export async function writeTrainingState(folder: string, state: TrainingState): Promise<void> {
  const { specs, optimizer, weights, trainable } = state;
  const trained = specs.filter(isTrained);
  const count: StoredTensor = {
    dtype: 'I64',
    shape: [],
    data: new Uint8Array(BigInt64Array.of(BigInt(optimizer.updateCount)).buffer),
  };
  const tensors = new Map([
    ...stored(trained, optimizer.m, 'm:'),
    ...stored(
      trained.filter(({ name }) => optimizer.v.has(name)),
      optimizer.v,
      'v:',
    ),
    ['updateCount', count] as const,
  ]);
  if (!learnsAll(trainable)) {
    const text = new TextEncoder().encode(JSON.stringify(trainable));
    tensors.set(trainableName, { dtype: 'U8', shape: [text.length], data: text });
  }
  await writeSafetensorsFolder(folder, 'optimizer', tensors);
  const adapted = specs.filter(hasAdapter(specs));
  if (trainable.lora === undefined) return;
  await writeSafetensorsFolder(folder, 'optimizer-base', stored(adapted, weights, ''));
  await writePeftAdapter(folder, trainable.lora, specs.filter(isAdapter), weights);
}

/** @param checkpoint weights of the folder's checkpoint, adapters merged; throws CHECKPOINT_INVALID */
export async function readTrainingState(
  folder: string,
  architecture: Architecture,
  checkpoint: TensorData,
): Promise<TrainingState> {
  const tensors = await readSafetensorsFolder(folder, 'optimizer');
  const count = tensors.get('updateCount');
  if (count?.dtype !== 'I64')
    throw new MtrlError('CHECKPOINT_INVALID', 'the optimizer state has no updateCount', { where: folder });
  const text = tensors.get(trainableName);
  const trainable = text === undefined ? {} : (JSON.parse(new TextDecoder().decode(text.data)) as TrainableSpec);
  const specs = trainableSpecs(architecture, trainable);
  const trained = specs.filter(isTrained);
  const adapted = specs.filter(hasAdapter(specs));
  const base = adapted.length === 0 ? new Map() : await readSafetensorsFolder(folder, 'optimizer-base');
  return {
    trainable,
    specs,
    weights: new Map([
      ...checkpoint,
      ...pickTensors(base, adapted, '', folder),
      ...(await readPeftAdapter(folder, specs.filter(isAdapter))),
    ]),
    optimizer: {
      m: pickTensors(tensors, trained, 'm:', folder),
      v: pickTensors(tensors, trained.filter(hasSquares(tensors, trained)), 'v:', folder),
      updateCount: Number(new DataView(count.data.buffer, count.data.byteOffset, 8).getBigInt64(0, true)),
    },
  };
}

/**
 * Which weights have a second moment: in a Muon state, all but hidden matrices. A state that lacks them for only some
 * hidden matrices, or for other weights, is invalid.
 */
function hasSquares(
  tensors: ReadonlyMap<string, StoredTensor>,
  trained: readonly ParameterSpec[],
): (spec: ParameterSpec) => boolean {
  const isOfMuon = trained.filter(isHiddenMatrix).every(({ name }) => !tensors.has(`v:${name}`));
  return (spec) => !isOfMuon || !isHiddenMatrix(spec);
}

/** The model's own weights, with adapters added to their matrices. */
export function mergeAdapters(specs: readonly ParameterSpec[], weights: TensorData): TensorData {
  const merged: TensorData = new Map();
  for (const { name } of specs.filter((spec) => !isAdapter(spec))) {
    const matrix = required(weights.get(name), name);
    const adapterOut = specs.find((spec) => spec.name === adapterOutName(moduleOf(name)));
    if (adapterOut === undefined) merged.set(name, matrix);
    else {
      const a = required(weights.get(adapterInName(moduleOf(name))), name);
      merged.set(name, withProduct(matrix, required(weights.get(adapterOut.name), name), a, adapterOut));
    }
  }
  return merged;
}

/** matrix [out, in] + scale * b [out, rank] a [rank, in] */
function withProduct(matrix: Float32Array, b: Float32Array, a: Float32Array, spec: ParameterSpec): Float32Array {
  const [out, rank] = spec.shape as [number, number];
  const inner = a.length / rank;
  const sum = Float32Array.from(matrix);
  for (let row = 0; row < out; row++) {
    for (let r = 0; r < rank; r++) {
      const factor = Math.fround((b[row * rank + r] as number) * (spec.adapterScale as number));
      for (let column = 0; column < inner; column++) {
        const at = row * inner + column;
        sum[at] = (sum[at] as number) + factor * (a[r * inner + column] as number);
      }
    }
  }
  return sum;
}

function learnsAll({ lora, freeze }: TrainableSpec): boolean {
  return lora === undefined && (freeze === undefined || freeze.length === 0);
}

export const isAdapter = ({ adapterScale }: ParameterSpec): boolean => adapterScale !== undefined;

function hasAdapter(specs: readonly ParameterSpec[]): (spec: ParameterSpec) => boolean {
  const names = new Set(specs.map(({ name }) => name));
  return ({ name }) => names.has(adapterInName(moduleOf(name)));
}
