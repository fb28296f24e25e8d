/**
 * One update, in place and a few tensors at a time: in addition to weights, moments and gradients, it holds only the
 * intermediate values of those tensors. An update of all tensors in one call would hold weights and moments twice.
 */
import { MtrlError } from '../../../core/errors.ts';
import type { OptimStepRequest } from '../../engine.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { type Hyperparameters, hyperparameterNames } from '../../optimizer/adamw-graph.ts';
import { type MuonHyperparameters, isHiddenMatrix, muonHyperparameterNames } from '../../optimizer/muon-graph.ts';
import type { GraphRunner, Tensor } from '../../runtime/graph-runner.ts';
import { float32, floatScalar } from './packing/prompt-batch.ts';
import type { Sessions } from './sessions.ts';
import { sideBySide } from './side-by-side.ts';
import { type OptimizerState, type TensorData, elementCount } from './weights.ts';

/** Maximum bytes of weights per call; a larger tensor has its own call. */
const bucketByteLengthMax = 64 << 20;
/** More than one, so that lanes finish at about the same time although tensors differ in size. */
const bucketCountPerLane = 2;

export interface Update {
  readonly specs: readonly ParameterSpec[];
  readonly weights: TensorData;
  readonly optimizer: OptimizerState;
  readonly gradients: TensorData;
  readonly hyperparameters: Hyperparameters;
  /** Present if Muon updates hidden matrices. */
  readonly muon?: MuonHyperparameters;
  /** Number of concurrent calls. */
  readonly laneCount: number;
}

/** @param updateCount including this one */
export function hyperparametersOf(
  request: OptimStepRequest,
  updateCount: number,
): Pick<Update, 'hyperparameters' | 'muon'> {
  const { beta1, beta2, muon } = request;
  return {
    hyperparameters: {
      ...request,
      oneMinusBeta1: 1 - beta1,
      oneMinusBeta2: 1 - beta2,
      correction1: 1 / (1 - beta1 ** updateCount),
      correction2: 1 / (1 - beta2 ** updateCount),
    },
    ...(muon && { muon: { ...request, momentum: muon.momentum, oneMinusMomentum: 1 - muon.momentum } }),
  };
}

/** Updates the trained weights; returns the gradient norm before clipping. Throws NON_FINITE, before any change. */
export async function updateWeights(sessions: Sessions, update: Update): Promise<number> {
  const trained = update.specs.filter(isTrained);
  const gradientNorm = await normOf(sessions, trained, update);
  const parts = partsOf(sessions, trained, update);
  await sideBySide(parts, update.laneCount, async ({ bucket, runner, moments, scalars }) => {
    const inputs = new Map<string, Tensor>([['gradientNorm', floatScalar(gradientNorm)]]);
    for (const [name, value] of scalars) inputs.set(name, floatScalar(value));
    const outputs = new Map<string, Tensor>();
    for (const { name, shape } of bucket) {
      const tensorOf = (data: TensorData): Tensor => float32(data.get(name) as Float32Array, shape);
      inputs.set(`gradient:${name}`, tensorOf(update.gradients));
      for (const [part, data] of [['weight', update.weights] as const, ...moments]) {
        inputs.set(`${part}:${name}`, tensorOf(data));
        outputs.set(`next:${part}:${name}`, tensorOf(data));
      }
    }
    await (await runner()).run(inputs, outputs);
  });
  return gradientNorm;
}

/** Weights that one call updates, with its graph and its other inputs. */
interface Part {
  readonly bucket: readonly ParameterSpec[];
  readonly runner: () => Promise<GraphRunner>;
  readonly moments: readonly (readonly [name: 'm' | 'v', data: TensorData])[];
  readonly scalars: readonly (readonly [name: string, value: number])[];
}

function partsOf(
  sessions: Sessions,
  trained: readonly ParameterSpec[],
  { optimizer: { m, v }, hyperparameters, muon }: Update,
): Part[] {
  const { laneCount } = sessions;
  const others = muon ? trained.filter((spec) => !isHiddenMatrix(spec)) : trained;
  const parts = bucketsOf(others, laneCount).map((bucket): Part => {
    const scalars = hyperparameterNames.map((name) => [name, hyperparameters[name]] as const);
    return {
      bucket,
      runner: () => sessions.adamw(bucket),
      moments: [
        ['m', m],
        ['v', v],
      ],
      scalars,
    };
  });
  if (muon === undefined) return parts;
  const scalars = muonHyperparameterNames.map((name) => [name, muon[name]] as const);
  const matrices = bucketsOf(trained.filter(isHiddenMatrix), laneCount);
  return [
    ...parts,
    ...matrices.map((bucket): Part => ({
      bucket,
      runner: () => sessions.muon(bucket),
      moments: [['m', m]],
      scalars,
    })),
  ];
}

async function normOf(sessions: Sessions, trained: readonly ParameterSpec[], update: Update): Promise<number> {
  const inputs = trained.map(({ name, shape }): [string, Tensor] => [
    `gradient:${name}`,
    float32(update.gradients.get(name) as Float32Array, shape),
  ]);
  const outputs = await (await sessions.gradientNorm()).run(new Map(inputs));
  const norm = ((outputs.get('gradientNorm') as Tensor).data as Float32Array)[0] as number;
  if (Number.isFinite(norm)) return norm;
  throw new MtrlError('NON_FINITE', `the gradient norm is ${norm}`, {
    where: `update ${update.optimizer.updateCount + 1}`,
  });
}

/** Groups adjacent tensors into several buckets per lane, each of at most `byteLengthMax` bytes or a single tensor. */
export function bucketsOf(
  specs: readonly ParameterSpec[],
  laneCount = 1,
  byteLengthMax = bucketByteLengthMax,
): (readonly ParameterSpec[])[] {
  const all = specs.reduce((sum, spec) => sum + 4 * elementCount(spec), 0);
  const share = laneCount === 1 ? byteLengthMax : Math.min(byteLengthMax, all / (bucketCountPerLane * laneCount));
  const buckets: ParameterSpec[][] = [];
  let byteLength = Infinity;
  for (const spec of specs) {
    byteLength += 4 * elementCount(spec);
    if (byteLength > share) {
      buckets.push([]);
      byteLength = 4 * elementCount(spec);
    }
    buckets.at(-1)?.push(spec);
  }
  return buckets;
}
