/** Token embeddings, with image features at the positions of image tokens. */
import { add, gather, mul, reshape } from '../graph/build.ts';
import { type Dim, product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Architecture, ImageInputs, ImageReader } from './architecture.ts';
import type { Weights } from './parameters.ts';

/** Graph inputs that place the images of a batch [B, S]. */
export interface PlacedImages {
  readonly reader: ImageReader;
  readonly inputs: ImageInputs;
  /** int64 [B, S]: the feature row of an image token; 0 elsewhere. */
  readonly featureRows: Value;
  /** float32 [B, S, 1]: 1 at image tokens, else 0; textMask is its complement. */
  readonly imageMask: Value;
  readonly textMask: Value;
}

/** Declares the inputs; undefined for a batch or a model without images. */
export function declareImages(
  g: Graph,
  { images: reader }: Architecture,
  withImages: boolean,
  batch: Dim,
  length: Dim,
): PlacedImages | undefined {
  if (!withImages || reader === undefined) return undefined;
  return {
    reader,
    inputs: reader.declare(g),
    featureRows: g.input('featureRows', 'int64', [batch, length]),
    imageMask: g.input('imageMask', 'float32', [batch, length, 1]),
    textMask: g.input('textMask', 'float32', [batch, length, 1]),
  };
}

/** Input of the decoder. */
export interface DecoderInput {
  /** float32 [B*S, D] */
  readonly x: Value;
  /** float32 [B*S, D] each, added after the decoder's first layers; 0 except at image tokens. */
  readonly deepStack: readonly Value[];
}

/** @param tokenIds int64 [B, S] */
export function embed(
  g: Graph,
  { text: { hiddenSize }, names }: Architecture,
  weights: Weights,
  tokenIds: Value,
  images: PlacedImages | undefined,
): DecoderInput {
  const text = gather(g, weights.of(names.embedding), tokenIds, 0);
  const shape = [product(tokenIds.shape), hiddenSize];
  if (images === undefined) return { x: reshape(g, text, shape), deepStack: [] };
  const features = images.reader.features(g, weights, images.inputs);
  const placed = (rows: Value): Value => gather(g, rows, images.featureRows, 0);
  const masked = (rows: Value): Value => mul(g, rows, images.imageMask);
  const inPlace = placed(features.rows);
  return {
    x: reshape(g, add(g, mul(g, text, images.textMask), masked(inPlace)), shape),
    deepStack: features.deepStack.map((rows) => reshape(g, masked(placed(rows)), shape)),
  };
}
