/** The Engine in this process: one policy, resident, on the backend of its settings. process.ts runs it in a process of its own. */
import { cpus } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { assert } from '../../../core/assert.ts';
import type {
  Engine,
  EngineInfo,
  ForwardBackwardRequest,
  ForwardBackwardResult,
  ForwardRequest,
  LabelLogProbsRequest,
  OptimStepRequest,
  OptimStepResult,
  SampleRequest,
  SampleResult,
  SampledCompletion,
  TokenRoles,
  TrainableSpec,
} from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import { hidden } from '../../models/attention.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { trainableSpecs } from '../../models/trainable.ts';
import { gradientName } from '../../models/training-graph.ts';
import type { Hyperparameters } from '../../optimizer/adamw-graph.ts';
import type { Runtime, RuntimeSettings, Tensor } from '../../runtime/graph-runner.ts';
import { openRuntime } from '../../runtime/open-runtime.ts';
import { type Batch, compileOptions, dropGarbage, hasImages, sampleParts, trainingBatches } from './fit-memory.ts';
import { labelGroups, sumLabels } from './label-groups.ts';
import { updateWeights } from './optimizer-update.ts';
import { type PackedGroups, packGroups, perToken, unpack } from './pack-groups.ts';
import { float32, floatScalar } from './prompt-batch.ts';
import { readCompletions, rolloutOptions, sampleTensors } from './sample-batch.ts';
import { Sessions } from './sessions.ts';
import { isAdapter, mergeAdapters, readTrainingState, writeTrainingState } from './training-state.ts';
import * as store from './weights.ts';

/** What is resident: a model with its weights and the state of its optimizer. */
interface Resident {
  readonly architecture: Architecture;
  /** Which weights learn; and all weights, adapters included. */
  trainable: TrainableSpec;
  specs: readonly ParameterSpec[];
  readonly sessions: Sessions;
  /** config.json as it was read: a saved state takes it along. */
  readonly configText: string;
  weights: store.TensorData;
  optimizer: store.OptimizerState;
  /** Sum of the gradients since the last optimStep. */
  gradients: store.TensorData | undefined;
}

export class EmbeddedEngine implements Engine {
  readonly #settings: RuntimeSettings;
  #runtime: Promise<Runtime> | undefined;
  #resident: Resident | undefined;
  #reference: store.TensorData | undefined;

  /** The backend is opened with the first policy: one that is not there is PROVIDER_UNAVAILABLE. */
  constructor(settings: RuntimeSettings) {
    this.#settings = settings;
  }

  loadCheckpoint(folder: string): Promise<EngineInfo> {
    return this.#become(folder, ({ parameterSpecs }) => store.readWeights(folder, parameterSpecs));
  }

  initialize(folder: string, seed: number): Promise<EngineInfo> {
    return this.#become(folder, (architecture) =>
      Promise.resolve(store.initialWeights(architecture, architecture.parameterSpecs, seed)),
    );
  }

  async loadState(folder: string): Promise<EngineInfo> {
    const info = await this.loadCheckpoint(folder);
    const policy = this.#policy();
    const { optimizer, weights, trainable } = await readTrainingState(folder, policy.architecture, policy.weights);
    retarget(policy, trainable);
    policy.weights = weights;
    policy.optimizer = optimizer;
    return info;
  }

  prepareTraining(spec: TrainableSpec): Promise<void> {
    return new Promise((resolve) => {
      this.#train(this.#policy(), spec);
      resolve();
    });
  }

  async saveState(folder: string): Promise<void> {
    const policy = this.#policy();
    const { parameterSpecs } = policy.architecture;
    await store.writeWeights(folder, parameterSpecs, mergeAdapters(policy.specs, policy.weights), policy.configText);
    await writeTrainingState(folder, policy);
  }

  async loadReference(folder: string): Promise<void> {
    this.#reference = await store.readWeights(folder, this.#policy().architecture.parameterSpecs);
  }

  async sample(request: SampleRequest): Promise<SampleResult> {
    const policy = this.#policy();
    const groups: SampledCompletion[][] = [];
    for (const part of sampleParts(policy, request)) {
      dropGarbage(request.memory);
      groups.push(...(await this.#samplePart(policy, part)));
    }
    return { groups };
  }

  async #samplePart(policy: Resident, request: SampleRequest): Promise<SampledCompletion[][]> {
    const options = rolloutOptions(policy.architecture, request);
    const inputs = sampleTensors(policy.architecture, request);
    if (options.withTopP === true) inputs.set('topP', floatScalar(request.sampling.topP as number));
    inputs.set('vocabularyBias', vocabularyBias(policy.architecture, request.tokens));
    addWeights(inputs, policy.specs, policy.weights, '');
    const session = await policy.sessions.rollout(options, compileOptions(request.memory));
    const outputs = await session.run(inputs);
    return readCompletions(request, outputs.get('tokens') as Tensor, outputs.get('logProbs') as Tensor);
  }

  async forward(request: ForwardRequest): Promise<number[][][]> {
    const policy = this.#policy();
    const weights = request.weights === 'reference' ? this.#referenceWeights(policy) : policy.weights;
    assert(weights !== undefined, 'loadReference comes before forward with the reference weights');
    const results: number[][][] = [];
    for (const batch of trainingBatches(policy, { ...request, withReference: request.weights === 'reference' }, {})) {
      const packed = packGroups(policy.architecture, batch.groups);
      const inputs = this.#trainingInputs(policy, packed, request, weights);
      const session = await policy.sessions.training(
        { withImages: hasImages(batch.groups) },
        compileOptions(request.memory),
      );
      place(results, batch, (await session.run(inputs)).get('logProbs') as Tensor);
    }
    return results;
  }

  async labelLogProbs({ prompts, temperature, tokens }: LabelLogProbsRequest): Promise<number[][]> {
    const groups = labelGroups(prompts);
    return sumLabels(prompts, await this.forward({ groups, temperature, tokens, weights: 'current' }));
  }

  async forwardBackward(request: ForwardBackwardRequest): Promise<ForwardBackwardResult> {
    const policy = this.#policy();
    const logProbs: number[][][] = [];
    let loss = 0;
    let tokenCount = 0;
    const options = {
      loss: request.loss.name,
      withKl: request.loss.name === 'ppo' && request.loss.klCoefficient > 0,
      ...(request.memory?.recompute === true && { recompute: true }),
    };
    for (const batch of trainingBatches(policy, { ...request, withReference: options.withKl }, options)) {
      dropGarbage(request.memory);
      const packed = packGroups(policy.architecture, batch.groups);
      const inputs = this.#trainingInputs(policy, packed, request, policy.weights);
      addLossTerms(inputs, packed, request);
      const session = await policy.sessions.training(
        { ...options, withImages: hasImages(batch.groups) },
        compileOptions(request.memory),
      );
      const outputs = await session.run(inputs);
      loss += ((outputs.get('loss') as Tensor).data as Float32Array)[0] as number;
      tokenCount += packed.tokenCount;
      place(logProbs, batch, outputs.get('logProbs') as Tensor);
      policy.gradients = accumulate(policy, outputs);
      dropGarbage(request.memory);
    }
    return { loss, tokenCount, logProbs };
  }

  async optimStep(request: OptimStepRequest): Promise<OptimStepResult> {
    const policy = this.#policy();
    assert(policy.gradients !== undefined, 'forwardBackward comes before optimStep');
    const { specs, weights, optimizer, gradients } = policy;
    const updateCount = optimizer.updateCount + 1;
    const update = { specs, weights, optimizer, gradients, hyperparameters: hyperparameters(request, updateCount) };
    const gradientNorm = await updateWeights(policy.sessions, update);
    optimizer.updateCount = updateCount;
    policy.gradients = undefined;
    return { gradientNorm, updateCount };
  }

  weightsDigest(): Promise<string> {
    const policy = this.#policy();
    return Promise.resolve(store.digestWeights(policy.specs, policy.weights));
  }

  async close(): Promise<void> {
    await this.#resident?.sessions.release();
    this.#resident = undefined;
  }

  async #become(
    folder: string,
    weightsOf: (architecture: Architecture) => Promise<store.TensorData>,
  ): Promise<EngineInfo> {
    const runtime = await (this.#runtime ??= openRuntime(this.#settings));
    const { architecture, text: configText } = await store.readConfig(folder);
    const before = this.#resident;
    const same = before?.configText === configText;
    const specs = architecture.parameterSpecs;
    const weights = await weightsOf(architecture);
    if (!same) await before?.sessions.release();
    // Compiled graphs depend on the architecture and on what learns: another policy of the same kind keeps them.
    const sessions = same ? before.sessions : new Sessions(architecture, runtime);
    sessions.retarget({}, specs);
    this.#resident = {
      architecture,
      trainable: {},
      specs,
      sessions,
      configText,
      weights,
      optimizer: store.newOptimizerState(specs),
      gradients: undefined,
    };
    this.#reference = undefined;
    return {
      ...runtime.info,
      cpuModel: cpus()[0]?.model ?? 'unknown',
      parameterCount: specs.reduce((sum, spec) => sum + store.elementCount(spec), 0),
    };
  }

  #policy(): Resident {
    assert(this.#resident !== undefined, 'loadCheckpoint, loadState or initialize comes first');
    return this.#resident;
  }

  #train(policy: Resident, spec: TrainableSpec): void {
    if (isDeepStrictEqual(spec, policy.trainable)) return;
    retarget(policy, spec);
    const adapters = policy.specs.filter(isAdapter);
    const fresh = store.initialWeights(policy.architecture, adapters, spec.lora?.seed ?? 0);
    policy.weights = new Map([...policy.weights, ...fresh]);
    policy.optimizer = store.newOptimizerState(policy.specs);
    policy.gradients = undefined;
  }

  /** The reference is a checkpoint, with its adapters merged: beside it, adapters add nothing. */
  #referenceWeights({ specs }: Resident): store.TensorData | undefined {
    return this.#reference && new Map([...store.zerosFor(specs.filter(isAdapter)), ...this.#reference]);
  }

  #trainingInputs(
    policy: Resident,
    packed: PackedGroups,
    request: { temperature: number; tokens: TokenRoles },
    weights: store.TensorData,
  ): Map<string, Tensor> {
    const inputs = new Map(packed.tensors);
    inputs.set('inverseTemperature', floatScalar(1 / request.temperature));
    inputs.set('vocabularyBias', vocabularyBias(policy.architecture, request.tokens));
    addWeights(inputs, policy.specs, weights, '');
    return inputs;
  }
}

/** Says what learns; the weights of new adapters are the caller's. */
function retarget(policy: Resident, trainable: TrainableSpec): void {
  policy.specs = trainableSpecs(policy.architecture, trainable);
  policy.trainable = trainable;
  policy.sessions.retarget(trainable, policy.specs);
}

function place(results: number[][][], batch: Batch, logProbs: Tensor): void {
  unpack(batch.groups, logProbs.data as Float32Array).forEach((values, i) => {
    results[batch.indices[i] as number] = values;
  });
}

function addWeights(
  inputs: Map<string, Tensor>,
  specs: readonly ParameterSpec[],
  data: store.TensorData,
  prefix: string,
): void {
  for (const { name, shape } of specs) inputs.set(`${prefix}${name}`, float32(data.get(name) as Float32Array, shape));
}

function addLossTerms(inputs: Map<string, Tensor>, packed: PackedGroups, { loss }: ForwardBackwardRequest): void {
  inputs.set(
    'tokenWeights',
    perToken(packed, (completion) => completion.tokenWeight),
  );
  if (loss.name === 'cross_entropy') return;
  inputs.set(
    'advantages',
    perToken(packed, (completion) => completion.advantage ?? 0),
  );
  inputs.set(
    'oldLogProbs',
    perToken(packed, (completion) => completion.logProbs ?? []),
  );
  inputs.set('ratioMin', floatScalar(1 - loss.clipLow));
  inputs.set('ratioMax', floatScalar(1 + loss.clipHigh));
  if (loss.klCoefficient === 0) return;
  inputs.set(
    'referenceLogProbs',
    perToken(packed, (completion) => completion.referenceLogProbs ?? []),
  );
  inputs.set('klCoefficient', floatScalar(loss.klCoefficient));
}

/** Adds in the order of the micro-batches: the sum is the same whenever the groups are. */
function accumulate(policy: Resident, outputs: ReadonlyMap<string, Tensor>): store.TensorData {
  const sums: store.TensorData = new Map();
  for (const spec of policy.specs.filter(isTrained)) {
    const gradient = outputs.get(gradientName(spec.name))?.data as Float32Array | undefined;
    const sum = policy.gradients?.get(spec.name);
    if (gradient !== undefined && sum !== undefined)
      for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + (sum[i] as number);
    sums.set(spec.name, gradient ?? sum ?? new Float32Array(store.elementCount(spec)));
  }
  return sums;
}

function vocabularyBias({ text }: Architecture, tokens: TokenRoles): Tensor {
  const bias = new Float32Array(text.vocabularySize);
  for (const id of tokens.bannedTokenIds) bias[id] = hidden;
  return float32(bias, [bias.length]);
}

function hyperparameters(request: OptimStepRequest, updateCount: number): Hyperparameters {
  return {
    ...request,
    oneMinusBeta1: 1 - request.beta1,
    oneMinusBeta2: 1 - request.beta2,
    correction1: 1 / (1 - request.beta1 ** updateCount),
    correction2: 1 / (1 - request.beta2 ** updateCount),
  };
}
