/** The parts of a Qwen3-VL (dense) `config.json` that determine the graph. */
import { z } from 'zod';
import { readFields, requireMultiple } from '../config-fields.ts';
import { type TextConfig, readTextConfig } from '../text-config.ts';

export interface Qwen3VlVisionConfig {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly intermediateSize: number;
  readonly channelCount: number;
  /** Pixels per side. */
  readonly patchSize: number;
  /** Frames per patch; an image is one frame, repeated. */
  readonly frameCount: number;
  /** mergeSize^2 patches become one image token. */
  readonly mergeSize: number;
  /** Side of the square table of learned position embeddings. */
  readonly positionSide: number;
  readonly ropeTheta: number;
  /** Blocks whose output is added to the decoder (DeepStack), ascending: the first after its first layer, and so on. */
  readonly deepStackBlocks: readonly number[];
}

export interface Qwen3VlConfig {
  readonly text: TextConfig;
  readonly vision: Qwen3VlVisionConfig;
  readonly imageTokenId: number;
}

const size = z.int().min(1);

const modelSchema = z.strictObject({
  model_type: z.literal('qwen3_vl'),
  image_token_id: z.int().default(151655),
  // This field alone determines whether the head is tied: transformers ignores the one in text_config.
  tie_word_embeddings: z.boolean().default(false),
  text_config: z.looseObject({ model_type: z.literal('qwen3_vl_text').default('qwen3_vl_text') }),
  // Early checkpoints have the type of the whole model here.
  vision_config: z.looseObject({ model_type: z.enum(['qwen3_vl_vision', 'qwen3_vl']).optional() }),
});

/** Defaults are those of Qwen3VLVisionConfig. */
const visionSchema = z.strictObject({
  depth: size.default(27),
  hidden_size: size.default(1152),
  hidden_act: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
  intermediate_size: size.default(4304),
  num_heads: size.default(16),
  in_channels: z.literal(3).default(3),
  patch_size: size.default(16),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
  out_hidden_size: size.default(3584),
  num_position_embeddings: size.default(2304),
  deepstack_visual_indexes: z.array(z.int().min(0)).default([8, 16, 24]),
  rope_parameters: z
    .strictObject({ rope_type: z.literal('axial').default('axial'), rope_theta: z.number().positive().default(10000) })
    .nullish(),
});
type VisionFields = z.infer<typeof visionSchema>;

/** Fields without effect: tokens of the processor, and of videos, which are rejected elsewhere. */
const harmless = {
  model: ['video_token_id', 'vision_start_token_id', 'vision_end_token_id'],
  vision: ['model_type'],
};

/** @throws CHECKPOINT_UNSUPPORTED naming the field, its value and the supported values; CHECKPOINT_INVALID */
export function parseQwen3VlConfig(json: unknown, where: string): Qwen3VlConfig {
  const model = readFields(modelSchema, json, { where, harmless: harmless.model });
  const text = readTextConfig(
    { ...model.text_config, tie_word_embeddings: model.tie_word_embeddings },
    { where, path: 'text_config' },
  );
  const vision = readFields(fitting(text), model.vision_config, {
    where,
    path: 'vision_config',
    harmless: harmless.vision,
  });
  checkHeads(where, vision);
  return {
    text,
    vision: {
      hiddenSize: vision.hidden_size,
      layerCount: vision.depth,
      headCount: vision.num_heads,
      intermediateSize: vision.intermediate_size,
      channelCount: vision.in_channels,
      patchSize: vision.patch_size,
      frameCount: vision.temporal_patch_size,
      mergeSize: vision.spatial_merge_size,
      positionSide: Math.sqrt(vision.num_position_embeddings),
      ropeTheta: vision.rope_parameters?.rope_theta ?? 10000,
      deepStackBlocks: vision.deepstack_visual_indexes,
    },
    imageTokenId: model.image_token_id,
  };
}

/** Schema of the tower's fields that also checks them against each other and the decoder. */
function fitting(text: TextConfig): z.ZodType<VisionFields> {
  return visionSchema.superRefine((vision, context) => {
    const refuse = (field: keyof VisionFields, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    const blocks = vision.deepstack_visual_indexes;
    if (vision.out_hidden_size !== text.hiddenSize)
      refuse('out_hidden_size', `must be the decoder's hidden_size ${text.hiddenSize}`);
    if (!Number.isInteger(Math.sqrt(vision.num_position_embeddings)))
      refuse('num_position_embeddings', 'must be the square of an integer');
    if (blocks.some((block, i) => block >= vision.depth || block <= (blocks[i - 1] ?? -1)))
      refuse('deepstack_visual_indexes', `must be ascending and below depth ${vision.depth}`);
    if (blocks.length > text.layerCount)
      refuse('deepstack_visual_indexes', `must not be more than the decoder's ${text.layerCount} layers`);
  });
}

/** Checks that a head splits into pairs, half of them rotated by a patch's row and half by its column. */
function checkHeads(where: string, { hidden_size: hiddenSize, num_heads: headCount }: VisionFields): void {
  requireMultiple(where, 'vision_config.hidden_size', hiddenSize, 'num_heads', headCount);
  requireMultiple(where, "the tower's head size", hiddenSize / headCount, 'two axes of pairs:', 4);
}
