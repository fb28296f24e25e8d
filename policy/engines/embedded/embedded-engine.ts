/**
 * Engine within this process: one resident policy, on the backend of its settings. process.ts runs it in a separate
 * process.
 */
import { cpus } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { assert } from '../../../core/assert.ts';
import type {
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
import { lossInputs } from '../../losses/graph-terms.ts';
import { lossVariant, usesReference } from '../../losses/table.ts';
import type { Architecture } from '../../models/architecture.ts';
import { hidden } from '../../models/attention.ts';
import { type ParameterSpec, isAdapter, isTrained } from '../../models/parameters.ts';
import { trainableSpecs } from '../../models/trainable.ts';
import { gradientName } from '../../models/training-graph.ts';
import type { Runtime, Tensor } from '../../runtime/graph-runner.ts';
import { openRuntime } from '../../runtime/open-runtime.ts';
import type { ComputeVerbs } from './compute-verbs.ts';
import {
  type Batch,
  cutRollouts,
  cutTraining,
  hasImages,
  requireCutFits,
  updateLaneCount,
} from './memory/fit-memory.ts';
import { giveMemoryBack } from '../../runtime/give-memory-back.ts';
import { labelGroups, sumLabels } from '../label-groups.ts';
import { hyperparametersOf, updateWeights } from './optimizer-update.ts';
import { hasKept, membership, type PackedGroups, packGroups, perToken, unpack } from './packing/pack-groups.ts';
import { float32, floatScalar } from './packing/prompt-batch.ts';
import { groupsWithPixels, withPixels } from './pixels.ts';
import { type SamplePart, inGroups, readCompletions, rolloutOptions, sampleTensors } from './packing/sample-batch.ts';
import { Sessions } from './sessions.ts';
import type { EngineSettings } from './settings.ts';
import { sharingFrozen } from './shared-base.ts';
import { sideBySide } from './side-by-side.ts';
import { type StateMemory, type TrainingState, readTrainingState, writeState } from './training-state.ts';
import * as store from './weights.ts';

/** The resident policy: a model with its weights and optimizer state. */
interface Resident {
  readonly architecture: Architecture;
  /** Which weights are trained, and the specs of all weights, adapters included. */
  trainable: TrainableSpec;
  specs: readonly ParameterSpec[];
  readonly sessions: Sessions;
  readonly memoryShare: number;
  /** Text of config.json, with dtype float32; part of a saved state. */
  readonly configText: string;
  weights: store.TensorData;
  /** undefined until the first update: zeros take memory, and many policies are only asked. */
  optimizer: store.OptimizerState | undefined;
  /** Memory for the gradient sum, and whether it contains gradients since the last optimStep. */
  gradients: store.TensorData | undefined;
  hasGradients: boolean;
}

export class EmbeddedEngine implements ComputeVerbs {
  readonly #settings: EngineSettings;
  #runtime: Promise<Runtime> | undefined;
  #resident: Resident | undefined;
  #reference: store.TensorData | undefined;

  /** The backend is opened with the first policy, which throws PROVIDER_UNAVAILABLE if it is not available. */
  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  loadCheckpoint(folder: string): Promise<EngineInfo> {
    return this.#become(folder, async ({ parameterSpecs }, memoryFor) => ({
      trainable: {},
      weights: await store.readWeights(folder, parameterSpecs, memoryFor.weights),
    }));
  }

  initialize(folder: string, seed: number): Promise<EngineInfo> {
    return this.#become(folder, (architecture, memoryFor) => {
      const options = { seed, memoryFor: memoryFor.weights };
      const weights = store.initialWeights(architecture, architecture.parameterSpecs, options);
      return Promise.resolve({ trainable: {}, weights });
    });
  }

  loadState(folder: string): Promise<EngineInfo> {
    return this.#become(folder, (architecture, memoryFor) => readTrainingState(folder, architecture, memoryFor));
  }

  async prepareTraining(spec: TrainableSpec): Promise<void> {
    const policy = this.#policy();
    if (isDeepStrictEqual(spec, policy.trainable)) return;
    await policy.sessions.settle();
    this.#train(policy, spec);
    policy.sessions.forget();
  }

  async saveState(folder: string): Promise<void> {
    const policy = this.#policy();
    await policy.sessions.settle();
    await this.rest();
    const { optimizer = policy.sessions.newOptimizerState() } = policy;
    await writeState(folder, { ...policy, optimizer }, policy.configText);
  }

  async loadReference(folder: string): Promise<void> {
    const policy = this.#policy();
    this.#reference = undefined;
    await this.rest();
    const { architecture, sessions } = policy;
    const weights = await store.readWeights(folder, architecture.parameterSpecs, sessions.memoryFor);
    this.#reference = sharingFrozen(weights, policy, sessions.memoryFor);
    giveMemoryBack();
  }

  async sample(request: SampleRequest): Promise<SampleResult> {
    const policy = this.#policy();
    const fit = { ...request, withReference: this.#reference !== undefined };
    const cut = cutRollouts(policy, fit);
    requireCutFits('rollouts', policy, fit, cut);
    const completions = await sideBySide(cut.parts, cut.laneCount, (part) => this.#samplePart(policy, part));
    return { groups: inGroups(completions.flat(), request.groupSize) };
  }

  async #samplePart(policy: Resident, part: SamplePart): Promise<SampledCompletion[]> {
    const options = rolloutOptions(policy.architecture, part);
    const inputs = sampleTensors(policy.architecture, { ...part, prompts: await withPixels(part.prompts) });
    if (options.withTopP === true) inputs.set('topP', floatScalar(part.sampling.topP as number));
    inputs.set('vocabularyBias', vocabularyBias(policy.architecture, part.tokens));
    addWeights(inputs, policy.specs, policy.weights, '');
    const session = await policy.sessions.rollout(options);
    const outputs = await session.run(inputs);
    return readCompletions(part, outputs);
  }

  async forward(request: ForwardRequest): Promise<number[][][]> {
    const policy = this.#policy();
    const weights = request.weights === 'reference' ? this.#referenceWeights(policy) : policy.weights;
    assert(weights !== undefined, 'call loadReference before forward with the reference weights');
    const fit = { ...request, withReference: request.weights === 'reference' };
    const options = hasKept(request.groups) ? { overKept: true } : {};
    const cut = cutTraining(policy, fit, options);
    requireCutFits('training', policy, fit, cut);
    const results: number[][][] = [];
    await sideBySide(cut.parts, cut.laneCount, async (batch) => {
      const packed = packGroups(policy.architecture, await groupsWithPixels(batch.groups));
      const inputs = this.#trainingInputs(policy, packed, request, weights);
      const session = await policy.sessions.training({ ...options, withImages: hasImages(batch.groups) });
      place(results, batch, (await session.run(inputs)).get('logProbs') as Tensor);
    });
    return results;
  }

  async labelLogProbs({ prompts, promptCounts, ...common }: LabelLogProbsRequest): Promise<number[][]> {
    const counts = promptCounts && { groupCounts: promptCounts };
    const groups = labelGroups(prompts);
    return sumLabels(prompts, await this.forward({ groups, ...counts, ...common, weights: 'current' }));
  }

  async forwardBackward(request: ForwardBackwardRequest): Promise<ForwardBackwardResult> {
    const policy = this.#policy();
    const logProbs: number[][][] = [];
    let tokenCount = 0;
    const variant = lossVariant(request.loss);
    const options = {
      loss: request.loss.name,
      withReference: usesReference(request.loss),
      ...(variant && { lossVariant: variant }),
      ...(hasKept(request.groups) && { overKept: true }),
      ...(request.memory?.recompute === true && { recompute: true }),
    };
    const fit = { ...request, withReference: options.withReference };
    const cut = cutTraining(policy, fit, options);
    requireCutFits('training', policy, fit, cut);
    if (request.startsAnew === true) policy.hasGradients = false;
    const sums = gradientSums(policy);
    const losses = await sideBySide(cut.parts, cut.laneCount, async (batch, turn) => {
      const packed = packGroups(policy.architecture, await groupsWithPixels(batch.groups));
      const inputs = this.#trainingInputs(policy, packed, request, policy.weights);
      addLossTerms(inputs, packed, request);
      const session = await policy.sessions.training({ ...options, withImages: hasImages(batch.groups) });
      const isFirst = !policy.hasGradients && batch === cut.parts[0];
      const outputs = await session.run(inputs, new Map(), { tensors: sums, isFirst, turn });
      tokenCount += packed.tokenCount;
      place(logProbs, batch, outputs.get('logProbs') as Tensor);
      return ((outputs.get('loss') as Tensor).data as Float32Array)[0] as number;
    });
    policy.hasGradients ||= cut.parts.length > 0;
    return { loss: losses.reduce((sum, loss) => sum + loss, 0), tokenCount, logProbs };
  }

  async optimStep(request: OptimStepRequest): Promise<OptimStepResult> {
    const policy = this.#policy();
    assert(policy.gradients !== undefined && policy.hasGradients, 'call forwardBackward before optimStep');
    const { specs, weights, gradients } = policy;
    const optimizer = optimizerFor(policy, request.muon !== undefined);
    const updateCount = optimizer.updateCount + 1;
    const update = {
      ...{ specs, weights, optimizer, gradients, ...hyperparametersOf(request, updateCount) },
      laneCount: updateLaneCount(policy, { ...request, withReference: this.#reference !== undefined }),
    };
    const gradientNorm = await updateWeights(policy.sessions, update);
    optimizer.updateCount = updateCount;
    policy.optimizer = optimizer;
    policy.hasGradients = false;
    return { gradientNorm, updateCount };
  }

  async weightsDigest(): Promise<string> {
    const policy = this.#policy();
    await policy.sessions.settle();
    return store.digestWeights(policy.specs, policy.weights);
  }

  /** Gives back to the system what is kept for the next calls. */
  async rest(): Promise<void> {
    if (this.#resident?.hasGradients === false) this.#resident.gradients = undefined;
    await (await this.#runtime)?.trim?.();
    giveMemoryBack();
  }

  async close(): Promise<void> {
    await this.#resident?.sessions.release();
    this.#resident?.sessions.forget();
    this.#resident = undefined;
    await (await this.#runtime)?.close?.();
    this.#runtime = undefined;
  }

  async #become(
    folder: string,
    read: (
      architecture: Architecture,
      memoryFor: StateMemory,
    ) => Promise<Pick<TrainingState, 'trainable' | 'weights'> & Partial<TrainingState>>,
  ): Promise<EngineInfo> {
    const runtime = await (this.#runtime ??= openRuntime(this.#settings));
    const { architecture, text: configText } = await store.readConfig(folder);
    const { sessions, memoryFor } = await this.#vacate(architecture, configText, runtime);
    const { trainable, weights, optimizer } = await read(architecture, {
      weights: memoryFor,
      moments: sessions.memoryFor,
    }).catch(async (error: unknown) => {
      await sessions.release();
      throw error;
    });
    const specs = trainableSpecs(architecture, trainable);
    sessions.retarget(trainable, specs);
    sessions.forget();
    this.#resident = {
      architecture,
      trainable,
      specs,
      sessions,
      memoryShare: this.#settings.memoryShare ?? Infinity,
      configText,
      weights,
      optimizer,
      gradients: undefined,
      hasGradients: false,
    };
    giveMemoryBack();
    return {
      ...runtime.info,
      cpuModel: cpus()[0]?.model ?? 'unknown',
      parameterCount: architecture.parameterSpecs.reduce((sum, spec) => sum + store.elementCount(spec), 0),
    };
  }

  /**
   * Drops the resident policy and the reference, and returns the compiled graphs and the memory of the weights for the
   * next policy. Graphs depend only on the architecture and the trained weights, so a policy with the same config.json
   * reuses them.
   */
  async #vacate(
    architecture: Architecture,
    configText: string,
    runtime: Runtime,
  ): Promise<{ readonly sessions: Sessions; readonly memoryFor: store.MemoryFor }> {
    const { sessions, weights } = leftBy(this.#resident, configText);
    this.#resident = undefined;
    this.#reference = undefined;
    await this.rest();
    if (sessions !== undefined && weights !== undefined)
      return { sessions, memoryFor: store.memoryOf(weights, sessions.memoryFor) };
    await sessions?.release();
    const fresh = new Sessions(architecture, runtime);
    return { sessions: fresh, memoryFor: fresh.memoryFor };
  }

  #policy(): Resident {
    assert(this.#resident !== undefined, 'call loadCheckpoint, loadState or initialize first');
    return this.#resident;
  }

  #train(policy: Resident, spec: TrainableSpec): void {
    retarget(policy, spec);
    const adapters = policy.specs.filter(isAdapter);
    const { memoryFor } = policy.sessions;
    const fresh = store.initialWeights(policy.architecture, adapters, { seed: spec.lora?.seed ?? 0, memoryFor });
    policy.weights = new Map([...policy.weights, ...fresh]);
    this.#reference &&= sharingFrozen(this.#reference, policy, memoryFor);
    policy.optimizer = undefined;
    policy.gradients = undefined;
    policy.hasGradients = false;
  }

  /** Reference weights, with zero adapters: the reference is a checkpoint, whose adapters are merged. */
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

/** What the next policy takes over: memory of the weights only if it is of the same model. */
function leftBy(
  policy: Resident | undefined,
  configText: string,
): { readonly sessions?: Sessions; readonly weights?: store.TensorData } {
  if (policy === undefined) return {};
  const { sessions, weights } = policy;
  return policy.configText === configText ? { sessions, weights } : { sessions };
}

/** Sets which weights are trained; the caller provides the weights of new adapters. */
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
  const tensors = lossInputs(loss, {
    perToken: (of) => perToken(packed, of),
    scalar: floatScalar,
    membership: (of) => membership(packed, of),
  });
  for (const [name, tensor] of tensors) inputs.set(name, tensor);
}

/** Tensors to which micro-batches add their gradients. */
function gradientSums(policy: Resident): Map<string, Tensor> {
  const trained = policy.specs.filter(isTrained);
  policy.gradients ??= policy.sessions.zerosFor(trained);
  const sums = new Map<string, Tensor>();
  addWeights(sums, trained, policy.gradients, gradientName(''));
  return sums;
}

/** The current optimizer state, or a new one if there is none or it belongs to the other optimizer. */
function optimizerFor({ optimizer, specs, sessions }: Resident, withMuon: boolean): store.OptimizerState {
  return optimizer?.v.size === store.squared(specs, withMuon).length ? optimizer : sessions.newOptimizerState(withMuon);
}

function vocabularyBias({ text }: Architecture, tokens: TokenRoles): Tensor {
  const bias = new Float32Array(text.vocabularySize);
  for (const id of tokens.bannedTokenIds) bias[id] = hidden;
  return float32(bias, [bias.length]);
}
