/**
 * Training state in addition to the checkpoint: the optimizer's moments and, if adapters are trained, the adapters and
 * the matrices that they adapt. In the checkpoint they are merged, which cannot be undone bit-exactly.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor as StoredTensor } from '../../../artifacts/codecs/safetensors.ts';
import { openSafetensorsFolder, writeSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { TrainableSpec } from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import { type ParameterSpec, adapterInName, isAdapter, isTrained } from '../../models/parameters.ts';
import { moduleOf, trainableSpecs } from '../../models/trainable.ts';
import { isHiddenMatrix } from '../../optimizer/muon-graph.ts';
import { mergedWeights } from './merged-weights.ts';
import { readPeftAdapter, writePeftAdapter } from './peft-adapter.ts';
import {
  type MemoryFor,
  type OptimizerState,
  type TensorData,
  type TensorsInFiles,
  newMemory,
  openWeights,
  readTensors,
  stored,
} from './weights.ts';

/** A policy with its training state. */
export interface TrainingState {
  readonly trainable: TrainableSpec;
  /** All weights, adapters included. */
  readonly specs: readonly ParameterSpec[];
  readonly weights: TensorData;
  readonly optimizer: OptimizerState;
}

/** Where a state is read to. */
export interface StateMemory {
  readonly weights: MemoryFor;
  readonly moments: MemoryFor;
}

const trainableName = 'trainable';

/** Writes weights, config.json and training state. */
export async function writeState(folder: string, state: TrainingState, configText: string): Promise<void> {
  await writeSafetensorsFolder(folder, 'model', mergedWeights(state.specs, state.weights));
  await writeFile(join(folder, 'config.json'), configText);
  await writeTrainingState(folder, state);
}

/** Writes the `optimizer*` files. Adapted matrices never change, so the store contains their file only once. */
async function writeTrainingState(folder: string, state: TrainingState): Promise<void> {
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

/**
 * Reads what `writeState` wrote. Of an adapted matrix only the base is read, and not the merged one.
 * @throws CHECKPOINT_INVALID, FILE_MISSING
 */
export async function readTrainingState(
  folder: string,
  architecture: Architecture,
  memoryFor: StateMemory = { weights: newMemory, moments: newMemory },
): Promise<TrainingState> {
  const tensors = await openSafetensorsFolder(folder, 'optimizer');
  const count = tensors.get('updateCount');
  if (count?.dtype !== 'I64')
    throw new MtrlError('CHECKPOINT_INVALID', 'the optimizer state has no updateCount', { where: folder });
  const countBytes = await count.data();
  const text = await tensors.get(trainableName)?.data();
  const trainable = text === undefined ? {} : (JSON.parse(new TextDecoder().decode(text)) as TrainableSpec);
  const specs = trainableSpecs(architecture, trainable);
  const trained = specs.filter(isTrained);
  const isAdapted = hasAdapter(specs);
  const adapted = specs.filter(isAdapted);
  const base: TensorsInFiles = adapted.length === 0 ? new Map() : await openSafetensorsFolder(folder, 'optimizer-base');
  const checkpoint = await openWeights(folder, architecture.parameterSpecs);
  const unadapted = architecture.parameterSpecs.filter((spec) => !isAdapted(spec));
  const weights = { folder, memoryFor: memoryFor.weights };
  const moments = { folder, memoryFor: memoryFor.moments };
  return {
    trainable,
    specs,
    weights: new Map([
      ...(await readTensors(checkpoint, unadapted, weights)),
      ...(await readTensors(base, adapted, weights)),
      ...(await readPeftAdapter(folder, specs.filter(isAdapter), memoryFor.weights)),
    ]),
    optimizer: {
      m: await readTensors(tensors, trained, { prefix: 'm:', ...moments }),
      v: await readTensors(tensors, trained.filter(hasSquares(tensors, trained)), { prefix: 'v:', ...moments }),
      updateCount: Number(new DataView(countBytes.buffer, countBytes.byteOffset, 8).getBigInt64(0, true)),
    },
  };
}

/**
 * Which weights have a second moment: in a Muon state, all but hidden matrices. A state that lacks them for only some
 * hidden matrices, or for other weights, is invalid.
 */
function hasSquares(tensors: TensorsInFiles, trained: readonly ParameterSpec[]): (spec: ParameterSpec) => boolean {
  const isOfMuon = trained.filter(isHiddenMatrix).every(({ name }) => !tensors.has(`v:${name}`));
  return (spec) => !isOfMuon || !isHiddenMatrix(spec);
}

function learnsAll({ lora, freeze }: TrainableSpec): boolean {
  return lora === undefined && (freeze === undefined || freeze.length === 0);
}

function hasAdapter(specs: readonly ParameterSpec[]): (spec: ParameterSpec) => boolean {
  const names = new Set(specs.map(({ name }) => name));
  return ({ name }) => names.has(adapterInName(moduleOf(name)));
}
