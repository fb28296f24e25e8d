/**
 * Floating-point operations of the matrix products that a shape's work needs: a product of [m, k] and [k, n] has 2 m k
 * n.
 */
import type { Work } from './our-step.ts';
import { type Shape, imageSide, imageTokenCount, patchSize, scaleFactor } from './shapes.ts';

const patchCount = (imageSide / patchSize) ** 2;

/**
 * FLOPs of the forward and backward pass of an update in the shared-prefix layout: prompts and images count once,
 * attention counts only visible keys, and the last token of a completion is left out because it predicts none.
 */
export function trainFlops(shape: Shape, work: Work): number {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const pairs = (P * (P + 1)) / 2 + groupSize * completionPairs(P, C);
  const decoder = decoderFlops(shape, P + groupSize * (C - 1), pairs);
  const forward = imageFlops(shape) + decoder + headFlops(shape, groupSize * C);
  // The backward pass has two products for each forward product: one for the weights and one for the activations.
  return 3 * promptCount * forward;
}

/**
 * FLOPs of a rollout: prompts count once, then one token at a time with cached keys and values. Every completion has
 * all its tokens; the last one is not decoded.
 */
export function rolloutFlops(shape: Shape, work: Work): number {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const prefill = imageFlops(shape) + decoderFlops(shape, P, (P * (P + 1)) / 2);
  const decoding = decoderFlops(shape, groupSize * (C - 1), groupSize * completionPairs(P, C));
  return promptCount * (prefill + decoding + headFlops(shape, groupSize * C));
}

/** Number of visible query-key pairs of a completion without its last token. */
function completionPairs(P: number, C: number): number {
  return (C - 1) * P + ((C - 1) * C) / 2;
}

function decoderFlops({ hiddenSize: D, intermediateSize, layerCount }: Shape, tokens: number, pairs: number): number {
  return layerCount * (tokens * 2 * (4 * D * D + 3 * D * intermediateSize) + pairs * 4 * D);
}

function headFlops({ hiddenSize, vocabularySize }: Shape, tokens: number): number {
  return 2 * tokens * hiddenSize * vocabularySize;
}

function imageFlops({ visionHiddenSize: D, visionLayerCount, hiddenSize }: Shape): number {
  const layer = patchCount * 2 * (4 * D * D + 8 * D * D) + patchCount ** 2 * 4 * D;
  const patches = patchCount * 2 * 3 * patchSize ** 2 * D;
  return patches + visionLayerCount * layer + imageTokenCount * 2 * scaleFactor ** 2 * D * hiddenSize;
}
