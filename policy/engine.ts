/**
 * What a policy can be asked to do. The verbs are those of the Tinker API (sample, forward_backward with named
 * losses, optim_step, save and load state), so that a remote trainer can stand where the embedded engine stands.
 * Arrays are per example; the engine pads, packs and batches as it likes. How engines are started and where their states
 * become artifacts: engines/engine-service.ts.
 */
import type { MtrlError } from '../core/errors.ts';
import type { Loss } from './losses/table.ts';

export type { Loss };

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Pixels of one image as the model takes them: float32 [3, height, width], rescaled and normalised. */
export interface PixelValues extends ImageSize {
  readonly data: Float32Array;
}

/** P tokens with image tokens already expanded; images in the order of their tokens. */
export interface EncodedPrompt {
  readonly tokenIds: readonly number[];
  readonly images: readonly PixelValues[];
}

/** The same while only the sizes of its images are known: pixels are made for the calls that need them, and then let go. */
export interface DeferredPrompt {
  readonly tokenIds: readonly number[];
  readonly images: readonly ImageSize[];
  /** Of all its images, in order. Recomputed on every call. */
  readonly pixels: () => Promise<readonly PixelValues[]>;
}

export type Prompt = EncodedPrompt | DeferredPrompt;

/** What a prompt is measured by. */
export type SizedPrompt = Pick<DeferredPrompt, 'tokenIds' | 'images'>;

/**
 * How tokens are drawn. Log-probs are those of the policy whatever topK and topP leave out, for rollouts and training
 * alike: log_softmax(logits / temperature) with banned tokens out.
 */
export interface Sampling {
  /** > 0. Log-probs are taken at this temperature. */
  readonly temperature: number;
  /** Argmax instead of drawing; log-probs are still those of the temperature above. */
  readonly greedy: boolean;
  /** Completion ends without a stop token after this many tokens. */
  readonly tokenCountMax: number;
  /** Drawn from the k most probable tokens, and those as probable as the last of them; from all when left out. */
  readonly topK?: number;
  /**
   * Then from the fewest most probable of these that hold this share of their probability, in (0, 1], and those as
   * probable as the last of them (nucleus sampling, arXiv 1904.09751).
   */
  readonly topP?: number;
  /** Token sequences, none empty: a completion also ends once its last tokens are one of them. They stay in it. */
  readonly stopSequences?: readonly (readonly number[])[];
}

/** Tokens that the engine treats apart; a Processor has them. */
export interface TokenRoles {
  readonly stopTokenId: number;
  readonly padTokenId: number;
  /** Can never be sampled: image and padding tokens. Their log-prob is that of probability 0, in training too. */
  readonly bannedTokenIds: readonly number[];
}

/** How a request is fitted into memory. Both change the order of sums, so they belong to what decides a result. */
export interface MemorySpec {
  /** What the compute process may hold, by plan. A batch is cut until it fits; MEMORY_EXCEEDED where one prompt does not. */
  readonly byteLengthMax?: number;
  /** Layers are computed once more in the backward pass instead of kept for it: less memory for more arithmetic. */
  readonly recompute?: boolean;
}

export interface SampleRequest {
  readonly prompts: readonly Prompt[];
  /** G rollouts of every prompt. */
  readonly groupSize: number;
  readonly sampling: Sampling;
  readonly tokens: TokenRoles;
  /** Uniforms are keyed by (seed, step, prompt index, rollout index, token index); see core/rng.ts. */
  readonly seed: number;
  readonly step: number;
  /** Index of prompts[0] in the step's whole batch, so that shards draw what the whole batch would. */
  readonly promptOffset: number;
  /** Pad prompts to this many tokens: the same for all shards of a step, so that sharding changes no bit. */
  readonly promptTokenCountMax: number;
  /** The largest image of the step, for models that take images of any size; for the same reason. */
  readonly imagePixelCountMax?: number;
  readonly memory?: MemorySpec;
}

export interface SampledCompletion {
  /** C tokens; the stop token or stop sequence that ended them included. */
  readonly tokenIds: readonly number[];
  /** One per token, natural log: of the policy, over all tokens that are not banned. */
  readonly logProbs: readonly number[];
  /** `length`: cut after tokenCountMax tokens. */
  readonly finishReason: 'stop' | 'length';
}

export interface SampleResult {
  /** [prompt][rollout]. */
  readonly groups: readonly (readonly SampledCompletion[])[];
}

/** One prompt with its completions: the prompt is computed once and shared (DESIGN section 6). */
export interface TrainGroup {
  readonly prompt: Prompt;
  readonly completions: readonly TrainCompletion[];
}

export interface TrainCompletion {
  readonly tokenIds: readonly number[];
  /** Weight of each of this completion's tokens in the loss; the caller puts the normaliser in here. */
  readonly tokenWeight: number;
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
}

export interface ForwardRequest {
  readonly groups: readonly TrainGroup[];
  readonly temperature: number;
  readonly tokens: TokenRoles;
  readonly weights: 'current' | 'reference';
  readonly memory?: MemorySpec;
}

/** A prompt with the completion that gives each label, its stop token included. */
export interface LabelledPrompt {
  readonly prompt: Prompt;
  readonly completions: readonly (readonly number[])[];
}

export interface LabelLogProbsRequest {
  readonly prompts: readonly LabelledPrompt[];
  readonly temperature: number;
  readonly tokens: TokenRoles;
  readonly memory?: MemorySpec;
}

export interface ForwardBackwardResult {
  readonly loss: number;
  readonly tokenCount: number;
  /** [group][completion][token] under the current weights. */
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
  /** Muon for hidden matrices; AdamW for what else there is, and for all of it when left out. */
  readonly muon?: { readonly momentum: number };
  /** That of the gradients' requests: how many tensors are updated at a time, which changes no bit. */
  readonly memory?: MemorySpec;
}

export interface OptimStepResult {
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Updates applied since the optimizer state was new: AdamW's t. A state of the other optimizer starts fresh. */
  readonly updateCount: number;
}

/** Parts of a model that can be frozen. A tied head is the embeddings. */
export type ModelPart = 'vision' | 'connector' | 'embeddings' | 'decoder' | 'head';

/** Which weights are trained: all by default. */
export interface TrainableSpec {
  /** Low-rank adapters on linear modules (LoRA, arXiv 2106.09685); they alone learn. */
  readonly lora?: {
    readonly rank: number;
    /** The adapters' product is added alpha / rank times. */
    readonly alpha: number;
    /** Names of modules or their ends, as PEFT's target_modules: `q_proj`. Those of frozen parts get none. */
    readonly modules: readonly string[];
    /** A is drawn by it; B is zero. */
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

/** What an engine promises and what it can be asked for. Constant from its start to its end. */
export interface Capabilities {
  /** Equal requests on equal states give equal bits, so that a replayed update must meet the recorded digest. */
  readonly bitExact: boolean;
  /** What `forwardBackward` takes; empty for an engine that only answers. */
  readonly losses: readonly Loss['name'][];
  readonly labelLogProbs: boolean;
  /** Only low-rank adapters learn: `prepareTraining` must name `lora`. */
  readonly adaptersOnly: boolean;
  /** Longest prompt with its completion, in tokens; left out where only the model's own limit counts. */
  readonly contextTokenCountMax?: number;
  /** What it takes of an image: float32 values as the model wants them, or the encoded file. */
  readonly images: 'pixels' | 'encoded';
}

/**
 * A state of a policy (weights, optimizer state, which weights learn) where engines of its kind keep it: a folder on
 * disk, a path on a server. Only that kind can look inside. It stays until its StateTransfer discards it.
 */
export interface StateHandle {
  /** Name of the engine in engines/table.ts. */
  readonly kind: string;
  /** What it takes of the place where it is kept. */
  readonly byteLength: number;
}

export interface CallOptions {
  /**
   * Cancels the request, which rejects with the signal's reason. What the engine holds afterwards is unknown until a
   * state is loaded; an engine that can only be interrupted by ending it ends, and `closed` says so.
   */
  readonly signal?: AbortSignal;
}

/** What is asked of a policy. Whatever the engine cannot do by its capabilities is RECIPE_INVALID. */
export interface PolicyVerbs {
  /**
   * Says which weights learn from here on; without it all do. New adapters and a new optimizer state, unless the policy
   * is trained so already: a saved state comes back with both. Throws RECIPE_INVALID.
   */
  prepareTraining(spec: TrainableSpec, options?: CallOptions): Promise<void>;
  sample(request: SampleRequest, options?: CallOptions): Promise<SampleResult>;
  /** Log-probs of the given completions, without gradients. */
  forward(request: ForwardRequest, options?: CallOptions): Promise<readonly (readonly (readonly number[])[])[]>;
  /**
   * [prompt][label]: log-prob of the label at the verdict's place, natural log, under the current weights. It sums over
   * all tokens of the label and what follows it in its completion, however many they are; not over what the completions
   * begin with together (a rationale), and over the stop token only where one completion would else be the beginning of
   * another (`1`, `10`).
   */
  labelLogProbs(request: LabelLogProbsRequest, options?: CallOptions): Promise<readonly (readonly number[])[]>;
  /** Adds to the accumulated gradient. */
  forwardBackward(request: ForwardBackwardRequest, options?: CallOptions): Promise<ForwardBackwardResult>;
  /** Applies and clears the accumulated gradient. */
  optimStep(request: OptimStepRequest, options?: CallOptions): Promise<OptimStepResult>;
  /**
   * sha256 over the current weights and adapters, tensors in name order. Of an engine that is not `bitExact`: a digest
   * that names the state and promises nothing of its bits.
   */
  weightsDigest(options?: CallOptions): Promise<string>;
}

/** A running engine. It holds one policy at a time: nothing can be asked of it before a state is loaded. */
export interface Engine extends PolicyVerbs {
  readonly capabilities: Capabilities;
  /**
   * Becomes the policy of the state; without an optimizer state in it, that starts at zero and all weights learn.
   * Throws NOT_FOUND where the state is gone, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING,
   * PROVIDER_UNAVAILABLE.
   */
  loadState(state: StateHandle, options?: CallOptions): Promise<EngineInfo>;
  /** Fresh weights, by seed, for the model that the state describes. Throws as loadState. */
  initialize(state: StateHandle, seed: number, options?: CallOptions): Promise<EngineInfo>;
  /** A copy of what it holds, which `loadState` goes on from. */
  saveState(options?: CallOptions): Promise<StateHandle>;
  /** The weights of the state are the reference policy of the KL term until another state is loaded. */
  loadReference(state: StateHandle, options?: CallOptions): Promise<void>;
  /** Never falls; grows while the engine computes or answers, and stands still when it hangs. No unit. */
  progress(): number;
  /**
   * Settles when the engine takes no more requests: with what ended it (COMPUTE_CRASHED, COMPUTE_OUT_OF_MEMORY), which
   * requests then reject with too; with undefined after `close`.
   */
  readonly closed: Promise<MtrlError | undefined>;
  /** Ends it at once; requests under way reject. */
  close(): Promise<void>;
}
