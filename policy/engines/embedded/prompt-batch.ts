/** Tensors of a batch of rows: token ids with their positions, and where image features go. */
import { MtrlError } from '../../../core/errors.ts';
import type { EncodedPrompt, PixelValues } from '../../engine.ts';
import type { Architecture, ImageReader } from '../../models/architecture.ts';
import type { Tensor } from '../../runtime/graph-runner.ts';

/** Added to an attention score to hide a key: finite, so that a fully hidden row stays a number. */
export const hidden = -1e9;

export const float32 = (data: Float32Array, shape: readonly number[]): Tensor => ({ dtype: 'float32', shape, data });
export const int64 = (data: BigInt64Array, shape: readonly number[]): Tensor => ({ dtype: 'int64', shape, data });
export const floatScalar = (value: number): Tensor => float32(Float32Array.of(value), []);

/**
 * Image tensors for rows of `length` tokens.
 * @param prompts one a row, starting at `starts[row]`
 */
export function imageTensors(
  architecture: Architecture,
  prompts: readonly EncodedPrompt[],
  starts: readonly number[],
  length: number,
): Map<string, Tensor> {
  const reader = requireReader(architecture);
  const tokensPerImage = reader.tokenCountPerImage;
  const cellCount = prompts.length * length;
  const featureRows = new BigInt64Array(cellCount);
  const imageMask = new Float32Array(cellCount);
  const textMask = new Float32Array(cellCount).fill(1);
  const images: PixelValues[] = [];
  prompts.forEach((prompt, row) => {
    let feature = images.length * tokensPerImage;
    images.push(...prompt.images);
    prompt.tokenIds.forEach((token, index) => {
      if (token !== reader.tokenId) return;
      const cell = row * length + (starts[row] as number) + index;
      featureRows[cell] = BigInt(feature++);
      imageMask[cell] = 1;
      textMask[cell] = 0;
    });
    if (feature !== images.length * tokensPerImage) {
      throw new MtrlError(
        'EXAMPLE_TOO_LONG',
        `a prompt has image tokens for another number of images than its ${prompt.images.length}`,
        {
          hint: `every image needs ${tokensPerImage} image tokens; was the prompt cut?`,
        },
      );
    }
  });
  return new Map([
    ['pixels', stackPixels(reader, images)],
    ['featureRows', int64(featureRows, [prompts.length, length])],
    ['imageMask', float32(imageMask, [prompts.length, length, 1])],
    ['textMask', float32(textMask, [prompts.length, length, 1])],
  ]);
}

function stackPixels({ edge, channelCount }: ImageReader, images: readonly PixelValues[]): Tensor {
  const size = channelCount * edge * edge;
  const data = new Float32Array(images.length * size);
  images.forEach((image, index) => {
    if (image.height !== edge || image.width !== edge || image.data.length !== size) {
      throw new MtrlError(
        'CHECKPOINT_UNSUPPORTED',
        `an image of ${image.width}x${image.height} pixels where the model takes ${edge}x${edge}`,
        {
          hint: 'the image processor of the checkpoint must give full-size images',
        },
      );
    }
    data.set(image.data, index * size);
  });
  return float32(data, [images.length, channelCount, edge, edge]);
}

function requireReader({ images, modelType }: Architecture): ImageReader {
  if (images !== undefined) return images;
  throw new MtrlError('PROMPT_INVALID', 'a prompt has an image, and the model reads text only', {
    found: `model_type ${modelType}`,
  });
}
