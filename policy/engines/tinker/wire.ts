/** Bodies of the Tinker API that this engine sends and reads. docs/tinker.md says from which versions they were read. */
import { z } from 'zod';
import type { WireLoss } from './settings.ts';

export type Chunk =
  | { readonly type: 'encoded_text'; readonly tokens: readonly number[] }
  | {
      readonly type: 'image';
      /** Base64. */
      readonly data: string;
      readonly format: 'png' | 'jpeg';
      /** Tokens that the image takes; the server refuses the request if it counts others. */
      readonly expected_tokens: number;
    };

export interface ModelInput {
  readonly chunks: readonly Chunk[];
}

export interface Tensor {
  readonly data: readonly number[];
  readonly dtype: 'int64' | 'float32';
  readonly shape: readonly number[];
}

/** One sequence. The model input lacks the last token; target_tokens lack the first. */
export interface Datum {
  readonly model_input: ModelInput;
  readonly loss_fn_inputs: Readonly<Record<string, Tensor>>;
}

export interface LossInput {
  readonly data: readonly Datum[];
  readonly loss_fn: WireLoss;
  readonly loss_fn_config?: Readonly<Record<string, number>>;
}

export interface LoraConfig {
  readonly rank: number;
  readonly seed: number;
  readonly train_attn: boolean;
  readonly train_mlp: boolean;
  readonly train_unembed: boolean;
}

export interface AdamParams {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** Servers that do not clip ignore it. */
  readonly grad_clip_norm: number;
}

export interface SamplingParams {
  readonly max_tokens: number;
  readonly seed: number;
  /** Token ids. */
  readonly stop: readonly number[];
  readonly temperature: number;
  readonly top_k: number;
  readonly top_p: number;
}

export const pending = z.object({ request_id: z.string().min(1) });
export const session = z.object({ session_id: z.string().min(1) });
export const samplingSession = z.object({ sampling_session_id: z.string().min(1) });
export const capabilitiesOfServer = z.object({
  supported_models: z.array(
    z.object({ model_name: z.string().nullish(), max_context_length: z.int().positive().nullish() }),
  ),
});
/** What a server asks of its clients; the SDK knows more flags, all of which may be absent. */
export const clientFlags = z.object({ proto_compress_fwdbwd: z.boolean().default(false) });
export const created = z.object({ model_id: z.string().min(1) });
export const saved = z.object({ path: z.string().startsWith('tinker://') });
export const savedForSampler = z.object({ sampling_session_id: z.string().min(1) });
/** A log-prob that is not finite is null in JSON. */
const logProbs = z.array(z.number().nullable());
export const passed = z.object({
  loss_fn_outputs: z.array(z.object({ logprobs: z.object({ data: logProbs }) })),
});
export const stepped = z.object({ metrics: z.record(z.string(), z.number()).nullish() });
export const sampled = z.object({
  sequences: z.array(
    z.object({
      stop_reason: z.enum(['stop', 'length']),
      tokens: z.array(z.int().min(0)),
      logprobs: logProbs.nullish(),
    }),
  ),
});
export type SampledSequences = z.infer<typeof sampled>;
