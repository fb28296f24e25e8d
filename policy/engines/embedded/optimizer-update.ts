/**
 * One AdamW update, in place and some tensors at a time: beside weights, moments and gradients it holds the intermediate
 * values of few tensors. An update of all of them in one call would hold weights and moments twice.
 */
import { MtrlError } from '../../../core/errors.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { type Hyperparameters, hyperparameterNames } from '../../optimizer/adamw-graph.ts';
import type { Tensor } from '../../runtime/graph-runner.ts';
import { float32, floatScalar } from './prompt-batch.ts';
import type { Sessions } from './sessions.ts';
import { type OptimizerState, type TensorData, elementCount } from './weights.ts';

/** Of the weights in one call; a larger tensor has one of its own. */
const bucketByteLengthMax = 64 << 20;

export interface Update {
  readonly specs: readonly ParameterSpec[];
  readonly weights: TensorData;
  readonly optimizer: OptimizerState;
  readonly gradients: TensorData;
  readonly hyperparameters: Hyperparameters;
}

/** Returns the gradient's norm before clipping. Throws NON_FINITE, with nothing changed, where that is no number. */
export async function updateWeights(sessions: Sessions, update: Update): Promise<number> {
  const trained = update.specs.filter(isTrained);
  const gradientNorm = await normOf(sessions, trained, update);
  for (const bucket of bucketsOf(trained)) {
    const inputs = new Map<string, Tensor>([['gradientNorm', floatScalar(gradientNorm)]]);
    for (const name of hyperparameterNames) inputs.set(name, floatScalar(update.hyperparameters[name]));
    const outputs = new Map<string, Tensor>();
    for (const { name, shape } of bucket) {
      const tensorOf = (data: TensorData): Tensor => float32(data.get(name) as Float32Array, shape);
      inputs.set(`gradient:${name}`, tensorOf(update.gradients));
      for (const [part, data] of [
        ['weight', update.weights],
        ['m', update.optimizer.m],
        ['v', update.optimizer.v],
      ] as const) {
        inputs.set(`${part}:${name}`, tensorOf(data));
        outputs.set(`next:${part}:${name}`, tensorOf(data));
      }
    }
    await (await sessions.adamw(bucket)).run(inputs, outputs);
  }
  return gradientNorm;
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

/** Neighbours together, as many as fit. */
export function bucketsOf(
  specs: readonly ParameterSpec[],
  byteLengthMax = bucketByteLengthMax,
): (readonly ParameterSpec[])[] {
  const buckets: ParameterSpec[][] = [];
  let byteLength = Infinity;
  for (const spec of specs) {
    byteLength += 4 * elementCount(spec);
    if (byteLength > byteLengthMax) {
      buckets.push([]);
      byteLength = 4 * elementCount(spec);
    }
    buckets.at(-1)?.push(spec);
  }
  return buckets;
}
