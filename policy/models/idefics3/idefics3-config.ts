/** The parts of an Idefics3 or SmolVLM `config.json` that determine the graph. */
import { z } from 'zod';
import { readFields, requireMultiple } from '../config-fields.ts';
import { type TextConfig, readTextConfig } from '../text-config.ts';

export interface VisionConfig {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly intermediateSize: number;
  /** Pixels per side. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channelCount: number;
  readonly layerNormEpsilon: number;
}

export interface Idefics3Config {
  readonly modelType: 'idefics3' | 'smolvlm';
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  /** Pixel shuffle: scaleFactor^2 patches become one image token. */
  readonly scaleFactor: number;
  readonly imageTokenId: number;
}

const size = z.int().min(1);

const modelSchema = z.strictObject({
  model_type: z.enum(['idefics3', 'smolvlm']),
  scale_factor: size.default(2),
  image_token_id: z.int().default(128257),
  tie_word_embeddings: z.boolean().optional(),
  text_config: z.looseObject({ tie_word_embeddings: z.boolean().optional() }),
  vision_config: z.looseObject({}),
});

/** Defaults are those of Idefics3VisionConfig. */
const visionSchema = z.strictObject({
  hidden_size: size.default(1152),
  num_hidden_layers: size.default(12),
  num_attention_heads: size.default(16),
  intermediate_size: size.default(3072),
  image_size: size.default(224),
  patch_size: size.default(32),
  num_channels: size.default(3),
  hidden_act: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
  layer_norm_eps: z.number().positive().default(1e-6),
  attention_dropout: z.literal(0).default(0),
  use_base_siglip: z.boolean().optional(),
});

/** Fields without effect: used by the processor or by earlier code, or implied by other fields. */
const harmless = {
  model: [
    '_pad_token_id',
    'vocab_size',
    'use_reentrant_checkpointing',
    'freeze_config',
    'processor_class',
    'video_token_id',
    'image_seq_len',
  ],
  text: ['perceiver_config', 'pixel_shuffle_factor', 'pixel_shuffle_config', 'freeze_config', 'additional_vocab_size'],
  vision: ['model_type', 'tie_word_embeddings', 'size', 'max_image_size', 'freeze_config'],
};

/** Fields of SmolVLM's text config that only other models of its code base enable. */
const textSwitches = z.looseObject({
  use_resampler: z.literal(false).optional(),
  qk_layer_norms: z.literal(false).optional(),
  rope_interleaved: z.literal(false).optional(),
  neftune_noise_alpha: z.literal(0).optional(),
});

/** @throws CHECKPOINT_UNSUPPORTED naming the field, its value and the supported values; CHECKPOINT_INVALID */
export function parseIdefics3Config(json: unknown, where: string): Idefics3Config {
  const model = readFields(modelSchema, json, { where, harmless: harmless.model });
  const vision = readFields(visionSchema, model.vision_config, {
    where,
    path: 'vision_config',
    harmless: harmless.vision,
  });
  requireMultiple(
    where,
    'vision_config.hidden_size',
    vision.hidden_size,
    'num_attention_heads',
    vision.num_attention_heads,
  );
  const side = Math.floor(vision.image_size / vision.patch_size);
  requireMultiple(where, 'patches a side', side, 'scale_factor', model.scale_factor);
  return {
    modelType: model.model_type,
    text: readText(model, where),
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
    scaleFactor: model.scale_factor,
    imageTokenId: model.image_token_id,
  };
}

function readText(model: z.infer<typeof modelSchema>, where: string): TextConfig {
  const place = { where, path: 'text_config' };
  const switches = readFields(textSwitches, model.text_config, place);
  const fields = Object.fromEntries(Object.entries(switches).filter(([name]) => !(name in textSwitches.shape)));
  // The decoder defaults to Llama. The outer tie_word_embeddings takes precedence.
  const tied = model.tie_word_embeddings ?? model.text_config.tie_word_embeddings ?? false;
  return readTextConfig(
    { model_type: 'llama', ...fields, tie_word_embeddings: tied },
    { ...place, harmless: harmless.text },
  );
}

/** Patches per side. Pixels left over at the right and the bottom are ignored (SmolVLM: 384 pixels, patches of 14). */
export function patchSide({ imageSize, patchSize }: VisionConfig): number {
  return Math.floor(imageSize / patchSize);
}

/** Tokens per image. */
export function imageTokenCount(config: Idefics3Config): number {
  return (patchSide(config.vision) / config.scaleFactor) ** 2;
}
