/**
 * Interface of an engine. Its verbs are those of the Tinker API (sample, forward_backward with named losses,
 * optim_step, save and load state), so that a remote trainer can replace the embedded engine. Arrays are per example;
 * the engine chooses padding, packing and batching. engines/engine-service.ts starts engines and converts their states
 * to artifacts.
 */
import type { MtrlError } from '../core/errors.ts';
import type { Loss } from './losses/table.ts';

export type { Loss };

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Pixels of one image as model input: float32 [3, height, width], rescaled and normalised. */
export interface PixelValues extends ImageSize {
  readonly data: Float32Array;
}

/** P tokens with image tokens already expanded; images in the order of their tokens. */
export interface EncodedPrompt {
  readonly tokenIds: readonly number[];
  readonly images: readonly PixelValues[];
}

/** A prompt with only the sizes of its images: pixels are computed for the calls that need them, and then released. */
export interface DeferredPrompt {
  readonly tokenIds: readonly number[];
  readonly images: readonly ImageSize[];
  /** Pixels of all images, in order. Recomputed on every call. */
  readonly pixels: () => Promise<readonly PixelValues[]>;
  /** The images as files; absent if the wire of no engine has a form for them: several runs, or changed pixels. */
  readonly encoded?: EncodedImages;
}

/** Images for engines that process them themselves: each is one run of one token. */
export interface EncodedImages {
  readonly tokenId: number;
  /** PNG and JPEG files, in the order of the runs. */
  readonly files: () => Promise<readonly Uint8Array[]>;
}

export type Prompt = EncodedPrompt | DeferredPrompt;

/** Tokens and image sizes of a prompt, without pixels. */
export type SizedPrompt = Pick<DeferredPrompt, 'tokenIds' | 'images'>;

/**
 * How tokens are sampled. Log-probs do not depend on topK and topP: in rollouts and in training they are
 * log_softmax(logits / temperature) over all tokens that are not banned; with `overKept` over those that topK and topP
 * keep.
 */
export interface Sampling {
  /** > 0. Log-probs are computed at this temperature. */
  readonly temperature: number;
  /** Argmax instead of sampling; log-probs are still computed at `temperature`. */
  readonly greedy: boolean;
  /** Length at which a completion ends without a stop token, in tokens. */
  readonly tokenCountMax: number;
  /** k: samples from the k most probable tokens and any tied with the last of them. Default: all tokens. */
  readonly topK?: number;
  /**
   * Samples from the fewest most probable of these that hold this share of their probability, in (0, 1], and any tied
   * with the last of them (nucleus sampling, arXiv 1904.09751). Applied after topK.
   */
  readonly topP?: number;
  /** Log-probs are those of the distribution that is sampled from, and the kept tokens are returned. Requires topK. */
  readonly overKept?: boolean;
  /** Non-empty token sequences that also end a completion, and are part of it. */
  readonly stopSequences?: readonly (readonly number[])[];
}

/** Tokens with a special role in the engine; a Processor provides them. */
export interface TokenRoles {
  /** Ends a completion; the one that supervised targets end with. */
  readonly stopTokenId: number;
  /** Further tokens that end a completion, if there are any. */
  readonly otherStopTokenIds?: readonly number[];
  readonly padTokenId: number;
  /** Tokens that are never sampled, such as image and padding tokens. Their probability is 0 in training too. */
  readonly bannedTokenIds: readonly number[];
}

/** How a request is fitted into memory. Both fields change the order of summation, so results depend on them. */
export interface MemorySpec {
  /**
   * Limit on the planned memory of the compute process, in bytes. A batch is split until it fits; a single prompt that
   * does not fit throws MEMORY_EXCEEDED.
   */
  readonly byteLengthMax?: number;
  /** Recompute layers in the backward pass instead of storing their activations: less memory, more arithmetic. */
  readonly recompute?: boolean;
}

export interface SampleRequest {
  readonly prompts: readonly Prompt[];
  /** G, rollouts per prompt. */
  readonly groupSize: number;
  readonly sampling: Sampling;
  readonly tokens: TokenRoles;
  /** Uniforms are keyed by (seed, step, prompt index, rollout index, token index); see core/rng.ts. */
  readonly seed: number;
  readonly step: number;
  /** Index of prompts[0] in the step's whole batch, so that shards sample the same tokens as the whole batch. */
  readonly promptOffset: number;
  /** Seed and index of each prompt in place of `seed` and `promptOffset`, for prompts of several requests. */
  readonly draws?: readonly PromptDraw[];
  /** Length to which prompts are padded, in tokens. Equal for all shards of a step, so that sharding changes no bit. */
  readonly promptTokenCountMax: number;
  /** Pixel count of the step's largest image, for models that accept images of any size; for the same reason. */
  readonly imagePixelCountMax?: number;
  readonly memory?: MemorySpec;
}

export interface PromptDraw {
  readonly seed: number;
  /** Index of the prompt in its own request's batch. */
  readonly prompt: number;
}

export interface SampledCompletion {
  /** C tokens, including the stop token or stop sequence at the end. */
  readonly tokenIds: readonly number[];
  /** Natural log-prob of each token under the policy, over all tokens that are not banned, or over the kept ones. */
  readonly logProbs: readonly number[];
  /** For each token, the ids of those that were kept, itself included; with `overKept` only. */
  readonly keptTokenIds?: readonly (readonly number[])[];
  /** `length`: cut after tokenCountMax tokens. */
  readonly finishReason: 'stop' | 'length';
}

export interface SampleResult {
  /** [prompt][rollout]. */
  readonly groups: readonly (readonly SampledCompletion[])[];
}

/** One prompt with its completions: the prompt is computed once and shared (docs/engine.md). */
export interface TrainGroup {
  readonly prompt: Prompt;
  readonly completions: readonly TrainCompletion[];
}

export interface TrainCompletion {
  readonly tokenIds: readonly number[];
  /** Weight of each of this completion's tokens in the loss, including the normaliser; one number for all of them. */
  readonly tokenWeight: number | readonly number[];
  /** As in SampledCompletion: log-probs are then over these. All completions of a request have them, or none. */
  readonly keptTokenIds?: readonly (readonly number[])[];
  /** Policy-gradient losses only. */
  readonly advantage?: number;
  readonly logProbs?: readonly number[];
  readonly referenceLogProbs?: readonly number[];
}

export interface ForwardBackwardRequest {
  readonly groups: readonly TrainGroup[];
  readonly loss: Loss;
  readonly temperature: number;
  readonly tokens: TokenRoles;
  readonly memory?: MemorySpec;
  /** Drops the gradient accumulated so far: that of an update that was not made. */
  readonly startsAnew?: boolean;
}

export interface ForwardRequest {
  readonly groups: readonly TrainGroup[];
  readonly temperature: number;
  readonly tokens: TokenRoles;
  readonly weights: 'current' | 'reference';
  readonly memory?: MemorySpec;
  /**
   * Numbers of consecutive groups, in all of them: each is computed as a request of its own, so that its bits do not
   * depend on the others. Default: one request.
   */
  readonly groupCounts?: readonly number[];
}

/** A prompt with one completion per label, including its stop token. */
export interface LabelledPrompt {
  readonly prompt: Prompt;
  readonly completions: readonly (readonly number[])[];
}

export interface LabelLogProbsRequest {
  readonly prompts: readonly LabelledPrompt[];
  readonly temperature: number;
  readonly tokens: TokenRoles;
  readonly memory?: MemorySpec;
  /**
   * Numbers of consecutive prompts, in all of them: each is computed as a request of its own, so that its bits do not
   * depend on the others. Default: one request.
   */
  readonly promptCounts?: readonly number[];
}

export interface ForwardBackwardResult {
  readonly loss: number;
  readonly tokenCount: number;
  /** [group][completion][token], under the current weights. */
  readonly logProbs: readonly (readonly (readonly number[])[])[];
}

export interface OptimStepRequest {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled; applied to matrices and embeddings, not to norms and biases. */
  readonly weightDecay: number;
  /** Global L2 norm ceiling of the gradient. */
  readonly gradientNormMax: number;
  /** Muon for hidden matrices, AdamW for all other weights. Default: AdamW for all weights. */
  readonly muon?: { readonly momentum: number };
  /** As in the forwardBackward requests. It limits how many tensors are updated at a time, which changes no bit. */
  readonly memory?: MemorySpec;
}

export interface OptimStepResult {
  /** Global L2 norm before clipping; 0 if the engine does not report it. */
  readonly gradientNorm: number;
  /** Updates applied since the optimizer state was initialised: AdamW's t. A change of optimizer reinitialises it. */
  readonly updateCount: number;
}

/** Parts of a model that can be frozen. A tied head belongs to the embeddings. */
export type ModelPart = 'vision' | 'connector' | 'embeddings' | 'decoder' | 'head';

/** Which weights are trained. Default: all. */
export interface TrainableSpec {
  /** Low-rank adapters on linear modules (LoRA, arXiv 2106.09685); no other weights are trained. */
  readonly lora?: {
    readonly rank: number;
    /** The adapters' product is scaled by alpha / rank. */
    readonly alpha: number;
    /** Names of modules or their suffixes, like PEFT's target_modules: `q_proj`. Frozen parts get no adapters. */
    readonly modules: readonly string[];
    /** Seed of the initial A; the initial B is zero. */
    readonly seed: number;
  };
  readonly freeze?: readonly ModelPart[];
}

export interface EngineInfo {
  readonly backend: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly threadCount: number;
  readonly cpuModel: string;
  readonly parameterCount: number;
}

/** What an engine guarantees and supports. Constant during its lifetime. */
export interface Capabilities {
  /** Equal requests on equal states give equal bits, so a replayed update must reproduce the recorded digest. */
  readonly bitExact: boolean;
  /** Losses that `forwardBackward` supports; empty for an engine that cannot train. */
  readonly losses: readonly Loss['name'][];
  readonly labelLogProbs: boolean;
  /** Only low-rank adapters can be trained: `prepareTraining` requires `lora`. */
  readonly adaptersOnly: boolean;
  /** Maximum length of a prompt with its completion, in tokens. Default: the model's own limit. */
  readonly contextTokenCountMax?: number;
  /** Form in which the engine takes images: the model's float32 pixel values, or the encoded file. */
  readonly images: 'pixels' | 'encoded';
  /** The only temperature at which log-probs are computed. Default: that of each request. */
  readonly logProbTemperature?: number;
  /** What a recipe may ask for and this engine does not have. Default: nothing. */
  readonly lacks?: readonly EngineFeature[];
}

export type EngineFeature =
  'augmentation' | 'averaged-snapshots' | 'fresh-weights' | 'kl-in-loss' | 'muon' | 'skipped-updates';

/**
 * Opaque handle of a policy's state (weights, optimizer state, which weights are trained), stored where engines of its
 * kind keep states: a folder on disk, a path on a server. The state exists until its StateTransfer discards it.
 */
export interface StateHandle {
  /** Name of the engine in engines/table.ts. */
  readonly kind: string;
  /** Storage that the state occupies. */
  readonly byteLength: number;
}

export interface CallOptions {
  /**
   * Cancels the request, which rejects with the signal's reason. The engine's policy is undefined until a state is
   * loaded. An engine whose computation cannot be interrupted terminates instead, and `closed` resolves.
   */
  readonly signal?: AbortSignal;
}

/** Requests to a policy. A request beyond the engine's capabilities throws RECIPE_INVALID. */
export interface PolicyVerbs {
  /**
   * Sets which weights are trained from now on; by default all are. Creates new adapters and a new optimizer state,
   * unless the spec is already in effect: a loaded state brings both. Throws RECIPE_INVALID.
   */
  prepareTraining(spec: TrainableSpec, options?: CallOptions): Promise<void>;
  sample(request: SampleRequest, options?: CallOptions): Promise<SampleResult>;
  /** Log-probs of the given completions, without gradients. */
  forward(request: ForwardRequest, options?: CallOptions): Promise<readonly (readonly (readonly number[])[])[]>;
  /**
   * [prompt][label]: natural log-prob of the label at the verdict's position, under the current weights. It is the sum
   * over all tokens of the completion after the prefix that all completions share (a rationale). The stop token is
   * included only if one of the prompt's completions would otherwise be a prefix of another (`1`, `10`).
   */
  labelLogProbs(request: LabelLogProbsRequest, options?: CallOptions): Promise<readonly (readonly number[])[]>;
  /** Adds to the accumulated gradient. */
  forwardBackward(request: ForwardBackwardRequest, options?: CallOptions): Promise<ForwardBackwardResult>;
  /** Applies and clears the accumulated gradient. */
  optimStep(request: OptimStepRequest, options?: CallOptions): Promise<OptimStepResult>;
  /**
   * sha256 over the current weights and adapters, tensors in name order. An engine that is not `bitExact` returns a
   * digest that identifies the state without guaranteeing its bits.
   */
  weightsDigest(options?: CallOptions): Promise<string>;
}

/** A running engine. It holds one policy at a time, and accepts requests to it once a state is loaded. */
export interface Engine extends PolicyVerbs {
  readonly capabilities: Capabilities;
  /**
   * Loads the policy of the state. Without an optimizer state in it, the optimizer starts at zero and all weights are
   * trained. Throws NOT_FOUND if the state is gone, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING,
   * PROVIDER_UNAVAILABLE.
   */
  loadState(state: StateHandle, options?: CallOptions): Promise<EngineInfo>;
  /** Initialises weights by seed for the model that the state describes. Throws like loadState. */
  initialize(state: StateHandle, seed: number, options?: CallOptions): Promise<EngineInfo>;
  /** Saves a copy of the current state, from which `loadState` can continue. */
  saveState(options?: CallOptions): Promise<StateHandle>;
  /** Makes the weights of the state the reference policy of the KL term, until another state is loaded. */
  loadReference(state: StateHandle, options?: CallOptions): Promise<void>;
  /** Monotonic counter without a unit: grows while the engine computes or replies, and stops if it hangs. */
  progress(): number;
  /**
   * Resolves when the engine accepts no more requests: with the error that ended it (COMPUTE_CRASHED,
   * COMPUTE_OUT_OF_MEMORY), with which requests then reject too, or with undefined after `close`.
   */
  readonly closed: Promise<MtrlError | undefined>;
  /** Terminates the engine at once; pending requests reject. */
  close(): Promise<void>;
}
