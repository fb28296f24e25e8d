/**
 * Config of the supported decoders. Those of Llama, Qwen2, Qwen3 and Qwen3-VL differ only in biases, in the norms of
 * queries and keys, and in positions.
 */
import { z } from 'zod';
import { type FieldsPlace, readFields, requireMultiple } from './config-fields.ts';
import { multimodalRopeFields, ropeAxes, type RopeAxis } from './qwen3-vl/multimodal-rope.ts';
import { type Rope, ropeFields, ropeOf } from './rope.ts';

export interface TextConfig {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  readonly positionCountMax: number;
  readonly rmsNormEpsilon: number;
  readonly rope: Rope;
  /** Axis that rotates each pair of a head (M-RoPE), [headSize / 2]. Absent if positions are one-dimensional. */
  readonly ropeAxes?: readonly RopeAxis[];
  readonly queryKeyValueBias: boolean;
  /** Bias of the projection after the attention. */
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMS norm of every head's queries and keys before rotation. */
  readonly queryKeyNorm: boolean;
  readonly tiedHead: boolean;
}

const size = z.int().min(1);

const shared = {
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  intermediate_size: size,
  vocab_size: size,
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.literal('silu').default('silu'),
  attention_dropout: z.literal(0).default(0),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
};
/** Fields that must specify full attention in every layer. */
const fullAttention = {
  use_sliding_window: z.literal(false).default(false),
  layer_types: z.array(z.literal('full_attention')).nullish(),
};

const llama = z.strictObject({
  model_type: z.literal('llama'),
  max_position_embeddings: size.default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  ...shared,
});
const qwen2 = z.strictObject({
  model_type: z.literal('qwen2'),
  max_position_embeddings: size.default(32768),
  ...fullAttention,
  ...shared,
});
const qwen3 = z.strictObject({
  model_type: z.literal('qwen3'),
  max_position_embeddings: size.default(32768),
  attention_bias: z.boolean().default(false),
  ...fullAttention,
  ...shared,
});
const qwen3VlText = z.strictObject({
  model_type: z.literal('qwen3_vl_text'),
  max_position_embeddings: size.default(128000),
  attention_bias: z.boolean().default(false),
  ...shared,
  ...multimodalRopeFields,
});
const schema = z.discriminatedUnion('model_type', [llama, qwen2, qwen3, qwen3VlText]);
type Fields = z.infer<typeof schema>;

export const textModelTypes = ['llama', 'qwen2', 'qwen3'] as const;

/** Fields that only affect a sliding window, which is rejected. */
const windowFields = ['sliding_window', 'max_window_layers'];

/** @throws CHECKPOINT_UNSUPPORTED naming the field; CHECKPOINT_INVALID */
export function readTextConfig(json: unknown, place: FieldsPlace): TextConfig {
  const fields = readFields(schema, json, { ...place, harmless: [...(place.harmless ?? []), ...windowFields] });
  const headCount = fields.num_attention_heads;
  const keyValueHeadCount = fields.num_key_value_heads ?? headCount;
  const at = (name: string): string => (place.path === undefined ? name : `${place.path}.${name}`);
  requireMultiple(place.where, at('num_attention_heads'), headCount, 'num_key_value_heads', keyValueHeadCount);
  const headSize = headSizeOf(fields, place.where, at);
  return {
    hiddenSize: fields.hidden_size,
    layerCount: fields.num_hidden_layers,
    headCount,
    keyValueHeadCount,
    headSize,
    intermediateSize: fields.intermediate_size,
    vocabularySize: fields.vocab_size,
    positionCountMax: fields.max_position_embeddings,
    rmsNormEpsilon: fields.rms_norm_eps,
    ...rotationOf(fields, headSize),
    tiedHead: fields.tie_word_embeddings,
    ...variantOf(fields),
  };
}

/** Default: 128 for Qwen3 and Qwen3-VL, else hidden size / head count. It must be even: rotation works on halves. */
function headSizeOf(fields: Fields, where: string, at: (name: string) => string): number {
  const found = fields.head_dim ?? (hasQwen3Heads(fields) ? 128 : undefined);
  if (found === undefined)
    requireMultiple(where, at('hidden_size'), fields.hidden_size, 'num_attention_heads', fields.num_attention_heads);
  const headSize = found ?? fields.hidden_size / fields.num_attention_heads;
  requireMultiple(where, at('head_dim'), headSize, 'the two halves that are rotated:', 2);
  return headSize;
}

function rotationOf(fields: Fields, headSize: number): Pick<TextConfig, 'rope' | 'ropeAxes'> {
  if (fields.model_type !== 'qwen3_vl_text') return { rope: ropeOf(fields) };
  return { rope: ropeOf(fields, 500000), ropeAxes: ropeAxes(fields, headSize) };
}

const hasQwen3Heads = ({ model_type: modelType }: Fields): boolean =>
  modelType === 'qwen3' || modelType === 'qwen3_vl_text';

function variantOf(fields: Fields): Pick<TextConfig, 'queryKeyValueBias' | 'outputBias' | 'mlpBias' | 'queryKeyNorm'> {
  if (fields.model_type === 'qwen2')
    return { queryKeyValueBias: true, outputBias: false, mlpBias: false, queryKeyNorm: false };
  const bias = fields.attention_bias;
  return {
    queryKeyValueBias: bias,
    outputBias: bias,
    mlpBias: fields.model_type === 'llama' && fields.mlp_bias,
    queryKeyNorm: hasQwen3Heads(fields),
  };
}
