/**
 * Qwen3-VL's tower, mergers and DeepStack mergers (transformers, modeling_qwen3_vl.py). Images of different sizes are
 * batched, padded to the same number of patches; padding is masked.
 */
import { required } from '../../../core/assert.ts';
import {
  add,
  gather,
  gelu,
  layerNormalization,
  linear,
  mul,
  reduceSum,
  reshape,
  rotaryEmbedding,
  split,
} from '../../graph/build.ts';
import { type Dim, product } from '../../graph/dim.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import type { ImageFeatures, ImageInputs } from '../architecture.ts';
import { attend, mergeHeads, splitHeads } from '../attention.ts';
import type { Weights } from '../parameters.ts';
import { project } from '../projection.ts';
import type { Qwen3VlVisionConfig } from './qwen3-vl-config.ts';
import { qwen3VlNames } from './qwen3-vl-parameters.ts';

/** Epsilon of all norms of the tower; the config has no field for it. */
const layerNormEpsilon = 1e-6;

const merged = product(['I', 'Q']);
const patchCountOf = ({ mergeSize }: Qwen3VlVisionConfig): Dim => product(['Q', mergeSize ** 2]);

/** Declares the inputs for I images of up to Q tokens; patch-batch.ts documents them and provides their data. */
export function declarePatches(g: Graph, vision: Qwen3VlVisionConfig): ImageInputs {
  const { channelCount, patchSize, mergeSize, hiddenSize, headCount } = vision;
  const patchCount = patchCountOf(vision);
  const table = [product(['I', patchCount]), hiddenSize / headCount / 2];
  return {
    pixels: g.input('pixels', 'float32', ['I', 'Q', mergeSize ** 2, channelCount * patchSize ** 2]),
    patchBias: g.input('patchBias', 'float32', ['I', 1, 1, patchCount]),
    positionRows: g.input('positionRows', 'int64', ['I', patchCount, 4]),
    positionWeights: g.input('positionWeights', 'float32', ['I', patchCount, 4, 1]),
    patchRows: g.input('patchRows', 'int64', ['I', patchCount]),
    patchCosine: g.input('patchCosine', 'float32', table),
    patchSine: g.input('patchSine', 'float32', table),
  };
}

export function patchFeatures(
  g: Graph,
  vision: Qwen3VlVisionConfig,
  weights: Weights,
  inputs: ImageInputs,
): ImageFeatures {
  const deepStack: Value[] = [];
  let x = patchEmbeddings(g, vision, weights, inputs);
  for (let block = 0; block < vision.layerCount; block++) {
    const input = x;
    x = g.segment(() => towerBlock(g, vision, weights, inputs, block, input));
    const index = vision.deepStackBlocks.indexOf(block);
    if (index >= 0) deepStack.push(mergedPatches(g, vision, weights, qwen3VlNames.deepStackMerger(index), x, true));
  }
  return { rows: mergedPatches(g, vision, weights, qwen3VlNames.merger, x, false), deepStack };
}

/**
 * Embeds patches: a convolution whose stride equals its kernel size is one matrix product over the patches' pixels. An
 * image is one frame, repeated, so the kernel is summed over its frames instead. Position embeddings are interpolated:
 * a weighted sum of four table rows per patch. [I*4Q, hiddenSize]
 */
function patchEmbeddings(g: Graph, vision: Qwen3VlVisionConfig, weights: Weights, inputs: ImageInputs): Value {
  const { hiddenSize, channelCount, patchSize } = vision;
  const size = channelCount * patchSize ** 2;
  const patches = product(['I', patchCountOf(vision)]);
  const kernel = reshape(g, reduceSum(g, weights.of(`${qwen3VlNames.patchEmbedding}.weight`), [2], false), [
    hiddenSize,
    size,
  ]);
  const pixels = reshape(g, of(inputs, 'pixels'), [patches, size]);
  const embedded = linear(g, pixels, kernel, weights.of(`${qwen3VlNames.patchEmbedding}.bias`));
  const rows = gather(g, weights.of(qwen3VlNames.positionEmbedding), of(inputs, 'positionRows'), 0);
  const positions = reduceSum(g, mul(g, rows, of(inputs, 'positionWeights')), [2], false);
  return add(g, embedded, reshape(g, positions, [patches, hiddenSize]));
}

function towerBlock(
  g: Graph,
  vision: Qwen3VlVisionConfig,
  weights: Weights,
  inputs: ImageInputs,
  block: number,
  x: Value,
): Value {
  const at = qwen3VlNames.block(block);
  const { hiddenSize, headCount } = vision;
  const fused = project(g, weights, `${at}.attn.qkv`, norm(g, weights, `${at}.norm1`, x));
  const [q, k, v] = split(g, fused, 1, [hiddenSize, hiddenSize, hiddenSize]).map((part) =>
    splitHeads(g, part, 'I', patchCountOf(vision), headCount),
  ) as [Value, Value, Value];
  const rotate = (heads: Value): Value =>
    rotaryEmbedding(g, heads, of(inputs, 'patchRows'), of(inputs, 'patchCosine'), of(inputs, 'patchSine'));
  const mixed = mergeHeads(g, attend(g, rotate(q), rotate(k), v, of(inputs, 'patchBias')));
  const attended = project(g, weights, `${at}.attn.proj`, mixed, x);
  const wide = project(g, weights, `${at}.mlp.linear_fc1`, norm(g, weights, `${at}.norm2`, attended));
  return project(g, weights, `${at}.mlp.linear_fc2`, gelu(g, wide, 'tanh'), attended);
}

/** Merges the contiguous patches of each token into one row: [I*4Q, hiddenSize] -> [I*Q, D]. */
function mergedPatches(
  g: Graph,
  { hiddenSize, mergeSize }: Qwen3VlVisionConfig,
  weights: Weights,
  at: string,
  x: Value,
  normMerged: boolean,
): Value {
  const shape = [merged, hiddenSize * mergeSize ** 2];
  const rows = normMerged
    ? norm(g, weights, `${at}.norm`, reshape(g, x, shape))
    : reshape(g, norm(g, weights, `${at}.norm`, x), shape);
  return project(g, weights, `${at}.linear_fc2`, gelu(g, project(g, weights, `${at}.linear_fc1`, rows), 'none'));
}

function norm(g: Graph, weights: Weights, at: string, x: Value): Value {
  return layerNormalization(g, x, weights.of(`${at}.weight`), weights.of(`${at}.bias`), layerNormEpsilon);
}

const of = (inputs: ImageInputs, name: string): Value => required(inputs[name], name);
