/** Constructors of tensors, and the image tensors of a batch of prompts. */
import { MtrlError } from '../../../../core/errors.ts';
import type { SizedPrompt } from '../../../engine.ts';
import type { Architecture, ImageReader } from '../../../models/architecture.ts';
import { imageSpans, tokenCount } from '../../../models/image-spans.ts';
import type { Tensor } from '../../../runtime/graph-runner.ts';

export const float32 = (data: Float32Array, shape: readonly number[]): Tensor => ({ dtype: 'float32', shape, data });
export const int64 = (data: BigInt64Array, shape: readonly number[]): Tensor => ({ dtype: 'int64', shape, data });
export const floatScalar = (value: number): Tensor => float32(Float32Array.of(value), []);

/**
 * Image tensors of a batch whose token ids have the given shape.
 * @param starts index of each prompt's first token in the flattened batch
 */
export function imageTensors(
  architecture: Architecture,
  prompts: readonly SizedPrompt[],
  starts: readonly number[],
  shape: readonly [number, number],
  pixelCountMax?: number,
): Map<string, Tensor> {
  const reader = requireReader(architecture);
  const spans = prompts.map((prompt) => imageSpans(prompt, reader));
  const { inputs, rowCountPerImage } = reader.batch(
    prompts.flatMap((prompt) => prompt.images),
    pixelCountMax,
  );
  const cellCount = shape[0] * shape[1];
  const featureRows = new BigInt64Array(cellCount);
  const imageMask = new Float32Array(cellCount);
  const textMask = new Float32Array(cellCount).fill(1);
  let feature = 0;
  spans.forEach((images, row) => {
    for (const { start, grid } of images) {
      for (let token = 0; token < tokenCount(grid); token++) {
        const cell = (starts[row] as number) + start + token;
        featureRows[cell] = BigInt(feature + token);
        imageMask[cell] = 1;
        textMask[cell] = 0;
      }
      feature += rowCountPerImage;
    }
  });
  return new Map<string, Tensor>([
    ...inputs,
    ['featureRows', int64(featureRows, shape)],
    ['imageMask', float32(imageMask, [...shape, 1])],
    ['textMask', float32(textMask, [...shape, 1])],
  ]);
}

function requireReader({ images, modelType }: Architecture): ImageReader {
  if (images !== undefined) return images;
  throw new MtrlError('PROMPT_INVALID', 'a prompt has an image, but the model is text-only', {
    found: `model_type ${modelType}`,
  });
}
