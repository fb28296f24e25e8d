/** SigLIP tower, pixel shuffle and connector of Idefics3 (transformers, modeling_idefics3.py). */
import { add, gelu, layerNormalization, linear, reshape, transpose } from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { attend, mergeHeads, splitHeads } from './attention.ts';
import { type Idefics3Config, imageTokenCount } from './idefics3-config.ts';
import { type Weights, names } from './parameters.ts';

/**
 * Image tokens of a batch of full-size images.
 * @param pixels float32 [I, channels, imageSize, imageSize], normalised
 * @returns float32 [I*T, D], T tokens an image
 */
export function imageFeatures(g: Graph, config: Idefics3Config, weights: Weights, pixels: Value): Value {
  const { vision, text, scaleFactor } = config;
  const side = vision.imageSize / vision.patchSize;
  const patchCount = side * side;
  let x = patchEmbeddings(g, config, weights, pixels);
  for (let layer = 0; layer < vision.layerCount; layer++) x = visionLayer(g, config, weights, layer, x, patchCount);
  x = norm(g, weights, names.visionNorm, x, vision.layerNormEpsilon);
  // Pixel shuffle: scaleFactor x scaleFactor neighbouring patches become one token, row by row.
  const small = side / scaleFactor;
  const blocks = reshape(g, x, ['I', small, scaleFactor, small, scaleFactor, vision.hiddenSize]);
  const shuffled = reshape(g, transpose(g, blocks, [0, 1, 3, 2, 4, 5]), [
    product(['I', imageTokenCount(config)]),
    vision.hiddenSize * scaleFactor ** 2,
  ]);
  const features = linear(g, shuffled, weights(names.connector));
  return reshape(g, features, [product(['I', imageTokenCount(config)]), text.hiddenSize]);
}

/** A convolution whose stride is its kernel is one matrix product over unfolded patches. */
function patchEmbeddings(g: Graph, { vision }: Idefics3Config, weights: Weights, pixels: Value): Value {
  const { patchSize: p, channelCount, hiddenSize } = vision;
  const side = vision.imageSize / p;
  const unfolded = transpose(g, reshape(g, pixels, ['I', channelCount, side, p, side, p]), [0, 2, 4, 1, 3, 5]);
  const patches = reshape(g, unfolded, [product(['I', side * side]), channelCount * p * p]);
  const kernel = reshape(g, weights(`${names.patchEmbedding}.weight`), [hiddenSize, channelCount * p * p]);
  const embedded = linear(g, patches, kernel, weights(`${names.patchEmbedding}.bias`));
  const placed = add(g, reshape(g, embedded, ['I', side * side, hiddenSize]), weights(names.positionEmbedding));
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
  const at = names.visionLayer(layer);
  const project = (name: string, input: Value): Value =>
    linear(g, input, weights(`${at}.${name}.weight`), weights(`${at}.${name}.bias`));
  const y = norm(g, weights, `${at}.layer_norm1`, x, vision.layerNormEpsilon);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
    splitHeads(g, project(`self_attn.${name}`, y), 'I', patchCount, vision.headCount),
  ) as [Value, Value, Value];
  const attended = add(g, x, project('self_attn.out_proj', mergeHeads(g, attend(g, q, k, v))));
  const z = norm(g, weights, `${at}.layer_norm2`, attended, vision.layerNormEpsilon);
  return add(g, attended, project('mlp.fc2', gelu(g, project('mlp.fc1', z), 'tanh')));
}

function norm(g: Graph, weights: Weights, at: string, x: Value, epsilon: number): Value {
  return layerNormalization(g, x, weights(`${at}.weight`), weights(`${at}.bias`), epsilon);
}
