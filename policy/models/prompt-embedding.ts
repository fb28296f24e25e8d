/** Token embeddings with image features in the places of image tokens. */
import { add, gather, mul, reshape } from '../graph/build.ts';
import { type Dim, product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Idefics3Config } from './idefics3-config.ts';
import { type Weights, names } from './parameters.ts';
import { imageFeatures } from './vision-tower.ts';

/** Graph inputs that place the images of a batch [B, S]. */
export interface ImageInputs {
  /** float32 [I, channels, imageSize, imageSize] */
  readonly pixels: Value;
  /** int64 [B, S]: the feature row of an image token; 0 elsewhere. */
  readonly featureRows: Value;
  /** float32 [B, S, 1]: 1 at image tokens, else 0; and the opposite. */
  readonly imageMask: Value;
  readonly textMask: Value;
}

export function declareImages(g: Graph, config: Idefics3Config, batch: Dim, length: Dim): ImageInputs {
  const { channelCount, imageSize } = config.vision;
  return {
    pixels: g.input('pixels', 'float32', ['I', channelCount, imageSize, imageSize]),
    featureRows: g.input('featureRows', 'int64', [batch, length]),
    imageMask: g.input('imageMask', 'float32', [batch, length, 1]),
    textMask: g.input('textMask', 'float32', [batch, length, 1]),
  };
}

/** tokenIds int64 [B, S] -> float32 [B*S, D] */
export function embed(
  g: Graph,
  config: Idefics3Config,
  weights: Weights,
  tokenIds: Value,
  images: ImageInputs | undefined,
): Value {
  const text = gather(g, weights(names.embedding), tokenIds, 0);
  const shape = [product(tokenIds.shape), config.text.hiddenSize];
  if (images === undefined) return reshape(g, text, shape);
  const features = gather(g, imageFeatures(g, config, weights, images.pixels), images.featureRows, 0);
  return reshape(g, add(g, mul(g, text, images.textMask), mul(g, features, images.imageMask)), shape);
}
