/** Implements Engine with a server of the Tinker API: states are saves on the server, computing is the server's. */
import { MtrlError } from '../../../core/errors.ts';
import type {
  CallOptions,
  Capabilities,
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
  StateHandle,
  TrainableSpec,
  TrainGroup,
} from '../../engine.ts';
import { labelGroups, sumLabels } from '../label-groups.ts';
import { loraOf } from './adapters.ts';
import type { TinkerClient } from './client.ts';
import { datumsOf } from './datums.ts';
import { invalidAnswer } from './failures.ts';
import { lossValue, wireTerms } from './losses.ts';
import type { PassedLogProbs } from './model.ts';
import { finite, sampleGroups } from './sampling.ts';
import { ServerPolicy } from './server-policy.ts';
import type { TinkerSettings } from './settings.ts';
import type { TinkerState, TinkerStates } from './states.ts';

/** Servers compute log-probs of the softmax itself. */
const logProbTemperature = 1;

export function tinkerCapabilities({ losses }: TinkerSettings): Capabilities {
  const trains = { cross_entropy: losses.includes('cross_entropy') || losses.includes('cispo') };
  const hasRatio = losses.some((name) => name !== 'cross_entropy');
  return {
    bitExact: false,
    losses: [...(trains.cross_entropy ? (['cross_entropy'] as const) : []), ...(hasRatio ? (['ppo'] as const) : [])],
    labelLogProbs: true,
    adaptersOnly: true,
    images: 'encoded',
    logProbTemperature,
    lacks: ['averaged-snapshots', 'augmentation', 'fresh-weights', 'kl-in-loss', 'muon', 'skipped-updates'],
  };
}

export class TinkerEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly closed: Promise<MtrlError | undefined>;
  readonly #client: TinkerClient;
  readonly #states: TinkerStates;
  readonly #closing = new AbortController();
  #end: (error: MtrlError | undefined) => void = () => undefined;
  #policy: ServerPolicy | undefined;
  #reference: ServerPolicy | undefined;
  /** Sequences of the first request of the open update: see wireTerms. */
  #scale = 0;

  constructor(client: TinkerClient, states: TinkerStates) {
    this.#client = client;
    this.#states = states;
    this.capabilities = tinkerCapabilities(client.settings);
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  progress(): number {
    return this.#client.http.outcomeCount;
  }

  loadState(handle: StateHandle, options?: CallOptions): Promise<EngineInfo> {
    return this.#call(options, async (signal) => {
      const state = this.#states.at(handle);
      const contextLength = await this.#client.contextLength(signal);
      await this.#drop();
      const policy = await this.#loaded(state, signal);
      this.#policy = policy;
      this.#scale = 0;
      return this.#infoOf(policy, contextLength);
    });
  }

  initialize(): Promise<EngineInfo> {
    return Promise.reject(lacking('fresh weights: name a checkpoint of the base model'));
  }

  saveState(options?: CallOptions): Promise<StateHandle> {
    return this.#onPolicy(options, async (policy, signal) => this.#states.hold(policy.base, await policy.save(signal)));
  }

  loadReference(handle: StateHandle, options?: CallOptions): Promise<void> {
    return this.#onPolicy(options, async (_policy, signal) => {
      const state = this.#states.at(handle);
      await this.#reference?.unload();
      this.#reference = await this.#loaded(state, signal);
    });
  }

  prepareTraining(spec: TrainableSpec, options?: CallOptions): Promise<void> {
    return this.#onPolicy(options, (policy) => policy.adapt(loraOf(spec)));
  }

  sample(request: SampleRequest, options?: CallOptions): Promise<SampleResult> {
    return this.#onPolicy(options, (policy, signal) => {
      const { vocabularySize } = policy.base;
      const sampleFrom = (sampler: string): Promise<SampleResult> =>
        sampleGroups(request, { client: this.#client, sampler, vocabularySize, signal });
      return policy.sampling(sampleFrom, signal);
    });
  }

  forward(request: ForwardRequest, options?: CallOptions): Promise<number[][][]> {
    return this.#onPolicy(options, (policy, signal) => {
      const asked = request.weights === 'current' ? policy : this.#reference;
      if (asked === undefined) throw new MtrlError('INVARIANT', 'no reference is loaded', { where: 'forward' });
      return this.#logProbs(asked, request.groups, request.temperature, signal);
    });
  }

  labelLogProbs(request: LabelLogProbsRequest, options?: CallOptions): Promise<number[][]> {
    return this.#onPolicy(options, async (policy, signal) => {
      const groups = labelGroups(request.prompts);
      return sumLabels(request.prompts, await this.#logProbs(policy, groups, request.temperature, signal));
    });
  }

  forwardBackward(request: ForwardBackwardRequest, options?: CallOptions): Promise<ForwardBackwardResult> {
    return this.#onPolicy(options, async (policy, signal) => {
      const { groups, loss, temperature } = request;
      requireTemperature(temperature);
      if (!this.capabilities.losses.includes(loss.name)) {
        throw new MtrlError('RECIPE_INVALID', 'the engine does not have this loss', {
          found: loss.name,
          hint: `one of ${this.capabilities.losses.join(', ')}`,
        });
      }
      const sequenceCount = groups.reduce((sum, { completions }) => sum + completions.length, 0);
      if (policy.openSequenceCount === 0) this.#scale = sequenceCount;
      const terms = wireTerms(loss, this.#client.settings, this.#scale);
      const data = await datumsOf(groups, terms.values);
      const config = terms.config && { loss_fn_config: terms.config };
      const passed = await policy.forwardBackward({ data, loss_fn: terms.lossFn, ...config }, signal);
      const logProbs = byCompletion(groups, passed);
      const tokenCount = logProbs.flat(2).length;
      return { loss: lossValue(loss, groups, logProbs, terms.mustNotClip), tokenCount, logProbs };
    });
  }

  optimStep(request: OptimStepRequest, options?: CallOptions): Promise<OptimStepResult> {
    return this.#onPolicy(options, async (policy, signal) => {
      if (request.muon !== undefined) throw lacking('Muon');
      const sequenceCount = policy.openSequenceCount;
      const metrics = await policy.optimStep(
        {
          learning_rate: request.learningRate,
          ...{ beta1: request.beta1, beta2: request.beta2, eps: request.epsilon },
          weight_decay: request.weightDecay,
          grad_clip_norm: request.gradientNormMax,
        },
        signal,
      );
      const [, norm = 0] = Object.entries(metrics).find(([name]) => /grad(ient)?_norm$/.test(name)) ?? [];
      const { reduction } = this.#client.settings;
      const factor = reduction === 'sequence-mean' && sequenceCount > 0 ? sequenceCount / this.#scale : 1;
      return { gradientNorm: norm * factor, updateCount: policy.updateCount };
    });
  }

  weightsDigest(options?: CallOptions): Promise<string> {
    return this.#onPolicy(options, (policy) => Promise.resolve(policy.digest));
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(ended());
    await this.#drop();
    this.#client.forget();
    this.#end(undefined);
  }

  async #loaded(state: TinkerState, signal: AbortSignal): Promise<ServerPolicy> {
    const policy = new ServerPolicy(this.#client, state);
    await policy.load(signal);
    return policy;
  }

  #infoOf({ base }: ServerPolicy, contextLength: number | undefined): EngineInfo {
    const { url, baseModel } = this.#client.settings;
    return {
      backend: 'tinker',
      runtimeVersion: `${baseModel}, context ${String(contextLength ?? base.positionCountMax)}`,
      executionProvider: new URL(url).host,
      threadCount: 0,
      cpuModel: 'remote',
      parameterCount: base.parameterCount,
    };
  }

  async #logProbs(
    policy: ServerPolicy,
    groups: readonly TrainGroup[],
    temperature: number,
    signal: AbortSignal,
  ): Promise<number[][][]> {
    requireTemperature(temperature);
    const data = await datumsOf(groups, ({ tokenIds }) => ({ weights: tokenIds.map(() => 1) }));
    return byCompletion(groups, await policy.forward(data, signal));
  }

  #onPolicy<T>(
    options: CallOptions | undefined,
    work: (policy: ServerPolicy, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#call(options, (signal) => {
      if (this.#policy === undefined) throw new MtrlError('INVARIANT', 'no state is loaded', { where: 'engine' });
      return work(this.#policy, signal);
    });
  }

  /** A cancelled request, or one that failed on the way, leaves an unknown policy on the server. */
  async #call<T>({ signal }: CallOptions = {}, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const closing = this.#closing.signal;
    closing.throwIfAborted();
    try {
      return await work(signal === undefined ? closing : AbortSignal.any([closing, signal]));
    } catch (error) {
      if (signal?.aborted === true) this.#policy = undefined;
      if (error instanceof MtrlError && error.code === 'COMPUTE_CRASHED' && !closing.aborted) {
        this.#closing.abort(error);
        this.#client.forget();
        this.#end(error);
      }
      throw error;
    }
  }

  /** Frees the server's memory; a server that does not answer frees it when the session's heartbeats end. */
  async #drop(): Promise<void> {
    const held = [this.#policy, this.#reference].flatMap((policy) => policy ?? []);
    this.#policy = undefined;
    this.#reference = undefined;
    await Promise.all(held.map((policy) => policy.unload().catch(() => undefined)));
  }
}

/** The last log-probs of each sequence are those of its completion. Throws NON_FINITE, ENGINE_ANSWER_INVALID. */
function byCompletion(groups: readonly TrainGroup[], passed: PassedLogProbs): number[][][] {
  let index = 0;
  return groups.map(({ completions }) =>
    completions.map(({ tokenIds }) => {
      const own = passed[index++]?.slice(-tokenIds.length) ?? [];
      if (own.length === tokenIds.length) return own.map((value) => finite(value));
      throw invalidAnswer('forward_backward', `${String(own.length)} log-probs for ${String(tokenIds.length)} tokens`);
    }),
  );
}

function requireTemperature(temperature: number): void {
  if (temperature === logProbTemperature) return;
  throw new MtrlError('RECIPE_INVALID', 'the tinker engine computes log-probs at temperature 1 alone', {
    where: 'temperature',
    found: String(temperature),
    hint: 'set temperature: 1',
  });
}

function lacking(what: string): MtrlError {
  return new MtrlError('RECIPE_INVALID', `the tinker engine does not have ${what}`, { where: 'engine.tinker' });
}

function ended(): MtrlError {
  return new MtrlError('COMPUTE_CRASHED', 'the engine was closed', { where: 'engine.tinker' });
}
