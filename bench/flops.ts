/** Floating-point operations that a shape's work needs, of matrix products alone; a product of [m, k] and [k, n] has 2 m k n. */
import type { Work } from './our-step.ts';
import { type Shape, imageSide, imageTokenCount, patchSize, scaleFactor } from './shapes.ts';

const patchCount = (imageSide / patchSize) ** 2;

/**
 * Forward and backward pass of an update in the shared-prefix layout: prompts and images once, keys that a query may see;
 * no completion's last token, which predicts none.
 */
export function trainFlops(shape: Shape, work: Work): number {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const pairs = (P * (P + 1)) / 2 + groupSize * completionPairs(P, C);
  const decoder = decoderFlops(shape, P + groupSize * (C - 1), pairs);
  const forward = imageFlops(shape) + decoder + headFlops(shape, groupSize * C);
  // The backward pass has two products for each of the forward pass: by the weights and by the activations.
  return 3 * promptCount * forward;
}

/** Prompts once, then a token at a time with cached keys and values; every completion has all its tokens, the last is not decoded. */
export function rolloutFlops(shape: Shape, work: Work): number {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const prefill = imageFlops(shape) + decoderFlops(shape, P, (P * (P + 1)) / 2);
  const decoding = decoderFlops(shape, groupSize * (C - 1), groupSize * completionPairs(P, C));
  return promptCount * (prefill + decoding + headFlops(shape, groupSize * C));
}

/** Keys that the queries of a completion see, its last token left out. */
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
