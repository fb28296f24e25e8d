/**
 * Idefics3 shapes for benches, as their config.json. Both sides of a comparison read the same file. Figures are
 * published for `tiny` and `small`; `scaled` makes shapes between them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Sizes of the decoder and of the vision tower; the tower's feed-forward size is four times its width. */
export interface Shape {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  readonly visionHiddenSize: number;
  readonly visionLayerCount: number;
  readonly visionHeadCount: number;
  /** Default: headCount. */
  readonly keyValueHeadCount?: number;
  /** Default: usualImage. */
  readonly image?: ImageShape;
}

/** A square image; lengths in pixels. */
export interface ImageShape {
  readonly side: number;
  readonly patchSize: number;
  /** A token is made of scaleFactor x scaleFactor patches. */
  readonly scaleFactor: number;
}

const usualImage: ImageShape = { side: 64, patchSize: 8, scaleFactor: 2 };

export const imageOf = ({ image = usualImage }: Shape): ImageShape => image;

/** Number of tokens per image. */
export function imageTokenCountOf(shape: Shape): number {
  const { side, patchSize, scaleFactor } = imageOf(shape);
  return (side / patchSize / scaleFactor) ** 2;
}

export const shapes = {
  tiny: {
    hiddenSize: 128,
    layerCount: 4,
    headCount: 4,
    intermediateSize: 384,
    vocabularySize: 512,
    visionHiddenSize: 128,
    visionLayerCount: 4,
    visionHeadCount: 4,
  },
  small: {
    hiddenSize: 320,
    layerCount: 8,
    headCount: 5,
    intermediateSize: 896,
    vocabularySize: 2048,
    visionHiddenSize: 256,
    visionLayerCount: 6,
    visionHeadCount: 4,
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof shapes;

/** The sizes of SmolVLM-256M-Instruct (bench/smolvlm-shape.ts), without its tokenizer. */
export const smolvlm256m: Shape = {
  hiddenSize: 576,
  layerCount: 30,
  headCount: 9,
  keyValueHeadCount: 3,
  intermediateSize: 1536,
  vocabularySize: 49280,
  visionHiddenSize: 768,
  visionLayerCount: 12,
  visionHeadCount: 12,
  image: { side: 512, patchSize: 16, scaleFactor: 4 },
};

/** Token ids, the same as in the peers' word tokenizer. */
export const tokenIds = {
  pad: 0,
  bos: 1,
  stop: 2,
  image: 4,
  aroundImage: 5,
  globalImage: 6,
  endOfUtterance: 7,
  user: 8,
  assistant: 9,
  firstWord: 10,
} as const;

const positionCountMax = 512;

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/**
 * Writes a folder with only the shape's config.json, deleted when this process exits: the weights are drawn at random.
 */
export function writeConfig(shape: Shape): string {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-bench-shape-'));
  folders.push(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape), null, 2));
  return folder;
}

function configOf(shape: Shape) {
  const { side, patchSize, scaleFactor } = imageOf(shape);
  return {
    architectures: ['Idefics3ForConditionalGeneration'],
    model_type: 'idefics3',
    image_token_id: tokenIds.image,
    scale_factor: scaleFactor,
    tie_word_embeddings: false,
    pad_token_id: tokenIds.pad,
    text_config: {
      model_type: 'llama',
      vocab_size: shape.vocabularySize,
      hidden_size: shape.hiddenSize,
      intermediate_size: shape.intermediateSize,
      num_hidden_layers: shape.layerCount,
      num_attention_heads: shape.headCount,
      num_key_value_heads: shape.keyValueHeadCount ?? shape.headCount,
      hidden_act: 'silu',
      max_position_embeddings: positionCountMax,
      rms_norm_eps: 1e-6,
      tie_word_embeddings: false,
      pad_token_id: tokenIds.pad,
      bos_token_id: tokenIds.bos,
      eos_token_id: tokenIds.stop,
    },
    vision_config: {
      model_type: 'idefics3_vision',
      hidden_size: shape.visionHiddenSize,
      intermediate_size: 4 * shape.visionHiddenSize,
      num_hidden_layers: shape.visionLayerCount,
      num_attention_heads: shape.visionHeadCount,
      num_channels: 3,
      image_size: side,
      patch_size: patchSize,
      hidden_act: 'gelu_pytorch_tanh',
      layer_norm_eps: 1e-6,
    },
  };
}
