/** One run of a checkpoint's training graph, including the gradients, which the engine does not expose. */
import { required } from '../../core/assert.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import { packGroups, perToken } from '../../policy/engines/embedded/packing/pack-groups.ts';
import { float32, floatScalar } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import { type TensorData, readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';
import type { ParameterSpec } from '../../policy/models/parameters.ts';
import { type TrainingGraphOptions, gradientName, trainingGraph } from '../../policy/models/training-graph.ts';
import type { Tensor } from '../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';

export type ModelRunOptions = Omit<TrainingGraphOptions, 'withImages'> & {
  readonly temperature?: number;
  readonly bannedTokenIds?: readonly number[];
  readonly clip?: number;
};

export interface ModelRun {
  readonly loss: number;
  readonly logProbs: Float32Array;
  gradientOf(name: string): Float32Array;
  readonly names: readonly string[];
}

/** Log-prob of each target, from its row of logits [targets, V]. */
export function logProbsOf(logits: Float32Array, targetIds: readonly number[]): number[] {
  const vocabularySize = logits.length / targetIds.length;
  return targetIds.map((id, row) => {
    const line = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
    return (line[id] ?? NaN) - Math.log(line.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

export async function modelRun(
  folder: string,
  groups: readonly TrainGroup[],
  options: ModelRunOptions,
  /** Weights to use instead of the folder's. */
  own?: { readonly specs: readonly ParameterSpec[]; readonly weights: TensorData },
): Promise<ModelRun> {
  const { architecture } = await readConfig(folder);
  const specs = own?.specs ?? architecture.parameterSpecs;
  const weights = own?.weights ?? (await readWeights(folder, specs));
  const packed = packGroups(architecture, groups);
  const inputs = new Map<string, Tensor>(packed.tensors);
  const bias = new Float32Array(architecture.text.vocabularySize);
  for (const id of options.bannedTokenIds ?? []) bias[id] = -1e9;
  inputs.set('inverseTemperature', floatScalar(1 / (options.temperature ?? 1)));
  inputs.set('vocabularyBias', float32(bias, [bias.length]));
  inputs.set(
    'tokenWeights',
    perToken(packed, (completion) => completion.tokenWeight),
  );
  if (options.loss === 'ppo') {
    inputs.set(
      'advantages',
      perToken(packed, (completion) => completion.advantage ?? 0),
    );
    inputs.set(
      'oldLogProbs',
      perToken(packed, (completion) => completion.logProbs ?? []),
    );
    inputs.set('ratioMin', floatScalar(1 - (options.clip ?? 0.2)));
    inputs.set('ratioMax', floatScalar(1 + (options.clip ?? 0.2)));
  }
  for (const { name, shape } of specs) inputs.set(name, float32(required(weights.get(name), name), shape));
  const graph = trainingGraph(architecture, specs, {
    withImages: inputs.has('pixels'),
    ...(options.loss === undefined ? {} : { loss: options.loss }),
    ...(options.recompute === true && { recompute: true }),
  });
  const runner = await (await openRuntime({ threadCount: 1 })).compile(graph);
  const outputs = await runner.run(inputs);
  await runner.release();
  const values = (name: string): Float32Array => required(outputs.get(name), name).data as Float32Array;
  return {
    loss: required(values('loss')[0], 'loss'),
    logProbs: values('logProbs'),
    gradientOf: (name) => values(gradientName(name)),
    names: specs.map(({ name }) => name),
  };
}
