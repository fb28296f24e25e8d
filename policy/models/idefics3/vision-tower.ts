/** SigLIP tower, pixel shuffle and connector of Idefics3 (transformers, modeling_idefics3.py). */
import { add, gelu, layerNormalization, linear, reshape, slice, transpose } from '../../graph/build.ts';
import { product } from '../../graph/dim.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import { attend, mergeHeads, splitHeads } from '../attention.ts';
import { type Idefics3Config, imageTokenCount, patchSide } from './idefics3-config.ts';
import type { Weights } from '../parameters.ts';
import { project } from '../projection.ts';
import { visionNames } from './vision-parameters.ts';

/**
 * Image features of a batch of full-size images.
 * @param pixels float32 [I, channels, imageSize, imageSize], normalised
 * @returns float32 [I*T, D], T tokens per image
 */
export function imageFeatures(g: Graph, config: Idefics3Config, weights: Weights, pixels: Value): Value {
  const { vision, text, scaleFactor } = config;
  const side = patchSide(vision);
  const patchCount = side * side;
  let x = patchEmbeddings(g, config, weights, pixels);
  for (let layer = 0; layer < vision.layerCount; layer++) {
    const input = x;
    x = g.segment(() => visionLayer(g, config, weights, layer, input, patchCount));
  }
  x = norm(g, weights, visionNames.finalNorm, x, vision.layerNormEpsilon);
  // Pixel shuffle: scaleFactor x scaleFactor neighbouring patches become one token, row by row.
  const small = side / scaleFactor;
  const blocks = reshape(g, x, ['I', small, scaleFactor, small, scaleFactor, vision.hiddenSize]);
  const shuffled = reshape(g, transpose(g, blocks, [0, 1, 3, 2, 4, 5]), [
    product(['I', imageTokenCount(config)]),
    vision.hiddenSize * scaleFactor ** 2,
  ]);
  const features = project(g, weights, visionNames.connector, shuffled);
  return reshape(g, features, [product(['I', imageTokenCount(config)]), text.hiddenSize]);
}

/** Embeds patches: a convolution whose stride equals its kernel size is one matrix product over unfolded patches. */
function patchEmbeddings(g: Graph, { vision }: Idefics3Config, weights: Weights, pixels: Value): Value {
  const { patchSize: p, channelCount, hiddenSize } = vision;
  const side = patchSide(vision);
  const seen = slice(g, slice(g, pixels, 2, 0, side * p), 3, 0, side * p);
  const unfolded = transpose(g, reshape(g, seen, ['I', channelCount, side, p, side, p]), [0, 2, 4, 1, 3, 5]);
  const patches = reshape(g, unfolded, [product(['I', side * side]), channelCount * p * p]);
  const kernel = reshape(g, weights.of(`${visionNames.patchEmbedding}.weight`), [hiddenSize, channelCount * p * p]);
  const embedded = linear(g, patches, kernel, weights.of(`${visionNames.patchEmbedding}.bias`));
  const placed = add(
    g,
    reshape(g, embedded, ['I', side * side, hiddenSize]),
    weights.of(visionNames.positionEmbedding),
  );
  return reshape(g, placed, [product(['I', side * side]), hiddenSize]);
}

function visionLayer(
  g: Graph,
  { vision }: Idefics3Config,
  weights: Weights,
  layer: number,
  x: Value,
  patchCount: number,
): Value {
  const at = visionNames.layer(layer);
  const y = norm(g, weights, `${at}.layer_norm1`, x, vision.layerNormEpsilon);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
    splitHeads(g, project(g, weights, `${at}.self_attn.${name}`, y), 'I', patchCount, vision.headCount),
  ) as [Value, Value, Value];
  const attended = project(g, weights, `${at}.self_attn.out_proj`, mergeHeads(g, attend(g, q, k, v)), x);
  const z = norm(g, weights, `${at}.layer_norm2`, attended, vision.layerNormEpsilon);
  return project(g, weights, `${at}.mlp.fc2`, gelu(g, project(g, weights, `${at}.mlp.fc1`, z), 'tanh'), attended);
}

function norm(g: Graph, weights: Weights, at: string, x: Value, epsilon: number): Value {
  return layerNormalization(g, x, weights.of(`${at}.weight`), weights.of(`${at}.bias`), epsilon);
}
