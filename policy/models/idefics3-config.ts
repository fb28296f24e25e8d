/** The parts of a Hugging Face Idefics3 `config.json` that decide the graph; everything unsupported is refused by name. */
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';

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
  readonly ropeTheta: number;
}

export interface VisionConfig {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly intermediateSize: number;
  /** Pixels a side. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channelCount: number;
  readonly layerNormEpsilon: number;
}

export interface Idefics3Config {
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  /** Pixel shuffle: scaleFactor^2 patches become one image token. */
  readonly scaleFactor: number;
  readonly tiedHead: boolean;
  readonly imageTokenId: number;
}

const size = z.int().min(1);

const fileSchema = z.object({
  model_type: z.enum(['idefics3', 'smolvlm']),
  scale_factor: size.default(2),
  image_token_id: z.int(),
  tie_word_embeddings: z.boolean().optional(),
  text_config: z.object({
    model_type: z.literal('llama').default('llama'),
    hidden_size: size,
    num_hidden_layers: size,
    num_attention_heads: size,
    num_key_value_heads: size.optional(),
    head_dim: size.nullish(),
    intermediate_size: size,
    vocab_size: size,
    max_position_embeddings: size.default(2048),
    rms_norm_eps: z.number().default(1e-6),
    hidden_act: z.literal('silu').default('silu'),
    attention_bias: z.literal(false).default(false),
    mlp_bias: z.literal(false).default(false),
    rope_theta: z.number().optional(),
    rope_scaling: z.null().optional(),
    rope_parameters: z
      .object({ rope_theta: z.number(), rope_type: z.literal('default').default('default') })
      .optional(),
    tie_word_embeddings: z.boolean().optional(),
  }),
  vision_config: z.object({
    hidden_size: size,
    num_hidden_layers: size,
    num_attention_heads: size,
    intermediate_size: size,
    image_size: size,
    patch_size: size,
    num_channels: size.default(3),
    hidden_act: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
    layer_norm_eps: z.number().default(1e-6),
  }),
});

/** @throws CHECKPOINT_UNSUPPORTED naming the field, what it says and what is supported. */
export function parseIdefics3Config(json: unknown, where: string): Idefics3Config {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new MtrlError(
      'CHECKPOINT_UNSUPPORTED',
      `config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`,
      {
        where,
        hint: 'supported: Idefics3 / SmolVLM with a SigLIP tower and a Llama decoder',
      },
    );
  }
  const { text_config: text, vision_config: vision, ...rest } = parsed.data;
  const keyValueHeadCount = text.num_key_value_heads ?? text.num_attention_heads;
  divides(where, 'text_config.num_attention_heads', text.num_attention_heads, 'num_key_value_heads', keyValueHeadCount);
  divides(where, 'vision_config.hidden_size', vision.hidden_size, 'num_attention_heads', vision.num_attention_heads);
  divides(
    where,
    'vision_config.image_size',
    vision.image_size,
    'patch_size * scale_factor',
    vision.patch_size * rest.scale_factor,
  );
  return {
    text: {
      hiddenSize: text.hidden_size,
      layerCount: text.num_hidden_layers,
      headCount: text.num_attention_heads,
      keyValueHeadCount,
      headSize: text.head_dim ?? text.hidden_size / text.num_attention_heads,
      intermediateSize: text.intermediate_size,
      vocabularySize: text.vocab_size,
      positionCountMax: text.max_position_embeddings,
      rmsNormEpsilon: text.rms_norm_eps,
      ropeTheta: text.rope_parameters?.rope_theta ?? text.rope_theta ?? 10000,
    },
    vision: {
      hiddenSize: vision.hidden_size,
      layerCount: vision.num_hidden_layers,
      headCount: vision.num_attention_heads,
      intermediateSize: vision.intermediate_size,
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
      channelCount: vision.num_channels,
      layerNormEpsilon: vision.layer_norm_eps,
    },
    scaleFactor: rest.scale_factor,
    tiedHead: rest.tie_word_embeddings ?? text.tie_word_embeddings ?? false,
    imageTokenId: rest.image_token_id,
  };
}

/** Tokens that one image becomes. */
export function imageTokenCount(config: Idefics3Config): number {
  const side = config.vision.imageSize / config.vision.patchSize / config.scaleFactor;
  return side * side;
}

function divides(where: string, field: string, value: number, byField: string, by: number): void {
  if (value % by === 0) return;
  throw new MtrlError('CHECKPOINT_INVALID', `config.json: ${field} ${value} is no multiple of ${byField} ${by}`, {
    where,
  });
}
