/** Token embeddings with image features in the places of image tokens. */
import { add, gather, mul, reshape } from '../graph/build.ts';
import { type Dim, product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Architecture, ImageReader } from './architecture.ts';
import type { Weights } from './parameters.ts';

/** Graph inputs that place the images of a batch [B, S]. */
export interface ImageInputs {
  readonly reader: ImageReader;
  /** float32 [I, channels, edge, edge] */
  readonly pixels: Value;
  /** int64 [B, S]: the feature row of an image token; 0 elsewhere. */
  readonly featureRows: Value;
  /** float32 [B, S, 1]: 1 at image tokens, else 0; and the opposite. */
  readonly imageMask: Value;
  readonly textMask: Value;
}

/** undefined for a batch or a model without images. */
export function declareImages(
  g: Graph,
  { images: reader }: Architecture,
  withImages: boolean,
  batch: Dim,
  length: Dim,
): ImageInputs | undefined {
  if (!withImages || reader === undefined) return undefined;
  return {
    reader,
    pixels: g.input('pixels', 'float32', ['I', reader.channelCount, reader.edge, reader.edge]),
    featureRows: g.input('featureRows', 'int64', [batch, length]),
    imageMask: g.input('imageMask', 'float32', [batch, length, 1]),
    textMask: g.input('textMask', 'float32', [batch, length, 1]),
  };
}

/** tokenIds int64 [B, S] -> float32 [B*S, D] */
export function embed(
  g: Graph,
  { text: { hiddenSize }, names }: Architecture,
  weights: Weights,
  tokenIds: Value,
  images: ImageInputs | undefined,
): Value {
  const text = gather(g, weights.of(names.embedding), tokenIds, 0);
  const shape = [product(tokenIds.shape), hiddenSize];
  if (images === undefined) return reshape(g, text, shape);
  const features = gather(g, images.reader.features(g, weights, images.pixels), images.featureRows, 0);
  return reshape(g, add(g, mul(g, text, images.textMask), mul(g, features, images.imageMask)), shape);
}
