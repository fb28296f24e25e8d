/** Floating-point operations of the matrix products that a bench shape's work needs (cli/plan/transformer-flops.ts). */
import { type ModelSizes, samplingFlops, updateFlops } from '../cli/plan/transformer-flops.ts';
import type { Work } from './our-step.ts';
import { type Shape, imageOf, imageTokenCountOf } from './shapes.ts';

/** FLOPs of the forward and backward pass of an update in the shared-prefix layout. */
export function trainFlops(shape: Shape, work: Work): number {
  return updateFlops(sizesOf(shape), imagesOf(shape), work);
}

/** FLOPs of a rollout. Every completion has all its tokens. */
export function rolloutFlops(shape: Shape, work: Work): number {
  const { prompts, completions } = samplingFlops(sizesOf(shape), imagesOf(shape), work);
  return prompts + completions;
}

function imagesOf(shape: Shape) {
  const { side, patchSize } = imageOf(shape);
  return [{ patchCount: (side / patchSize) ** 2, tokenCount: imageTokenCountOf(shape) }];
}

function sizesOf(shape: Shape): ModelSizes {
  const { hiddenSize, visionHiddenSize, visionLayerCount, headCount, keyValueHeadCount = headCount } = shape;
  const { layerCount, intermediateSize: feedForwardWidth, vocabularySize } = shape;
  const { patchSize, scaleFactor } = imageOf(shape);
  return {
    decoder: {
      ...{ layerCount, hiddenSize, feedForwardWidth, vocabularySize, expertCount: 0 },
      ...{ queryWidth: hiddenSize, keyValueWidth: (hiddenSize * keyValueHeadCount) / headCount },
    },
    tower: {
      ...{ layerCount: visionLayerCount, width: visionHiddenSize, feedForwardWidth: 4 * visionHiddenSize },
      patchWidth: 3 * patchSize ** 2,
      mergerProductCount: scaleFactor ** 2 * visionHiddenSize * hiddenSize,
    },
  };
}
