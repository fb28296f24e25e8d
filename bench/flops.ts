/** Floating-point operations of the matrix products that a bench shape's work needs (cli/plan/transformer-flops.ts). */
import { type ModelSizes, samplingFlops, updateFlops } from '../cli/plan/transformer-flops.ts';
import type { Work } from './our-step.ts';
import { type Shape, imageSide, imageTokenCount, patchSize, scaleFactor } from './shapes.ts';

const images = [{ patchCount: (imageSide / patchSize) ** 2, tokenCount: imageTokenCount }];

/** FLOPs of the forward and backward pass of an update in the shared-prefix layout. */
export function trainFlops(shape: Shape, work: Work): number {
  return updateFlops(sizesOf(shape), images, work);
}

/** FLOPs of a rollout. Every completion has all its tokens. */
export function rolloutFlops(shape: Shape, work: Work): number {
  const { prompts, completions } = samplingFlops(sizesOf(shape), images, work);
  return prompts + completions;
}

function sizesOf({ hiddenSize, visionHiddenSize, visionLayerCount, ...shape }: Shape): ModelSizes {
  const { layerCount, intermediateSize: feedForwardWidth, vocabularySize } = shape;
  return {
    decoder: {
      ...{ layerCount, hiddenSize, feedForwardWidth, vocabularySize, expertCount: 0 },
      ...{ queryWidth: hiddenSize, keyValueWidth: hiddenSize },
    },
    tower: {
      ...{ layerCount: visionLayerCount, width: visionHiddenSize, feedForwardWidth: 4 * visionHiddenSize },
      patchWidth: 3 * patchSize ** 2,
      mergerProductCount: scaleFactor ** 2 * visionHiddenSize * hiddenSize,
    },
  };
}
