/** Idefics3 and SmolVLM: SigLIP tower, pixel shuffle, connector, Llama decoder. */
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { ImageSize } from '../../engine.ts';
import type { Architecture, BatchedImage, ImageBatch, ImageReader } from '../architecture.ts';
import { type Idefics3Config, imageTokenCount, parseIdefics3Config } from './idefics3-config.ts';
import { inNameOrder } from '../parameters.ts';
import { textNames, textPartOf, textSpecs } from '../text-parameters.ts';
import { visionPartOf, visionSpecs } from './vision-parameters.ts';
import { imageFeatures } from './vision-tower.ts';

export const idefics3ModelTypes = ['idefics3', 'smolvlm'] as const;

/** @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID */
export function idefics3(json: unknown, where: string): Architecture {
  const config: Idefics3Config = parseIdefics3Config(json, where);
  const names = textNames('model.text_model');
  return {
    modelType: config.modelType,
    text: config.text,
    names,
    parameterSpecs: inNameOrder([...textSpecs(config.text, names), ...visionSpecs(config)]),
    partOf: (name) => visionPartOf(name) ?? textPartOf(names, name),
    images: imageReader(config),
  };
}

function imageReader(config: Idefics3Config): ImageReader {
  const { imageSize: edge, channelCount } = config.vision;
  const tokenCount = imageTokenCount(config);
  const side = Math.sqrt(tokenCount);
  return {
    tokenId: config.imageTokenId,
    form: { kind: 'square', edge, tokenCount },
    tokenGrid(image) {
      checkSize(image, edge);
      return { rowCount: side, columnCount: side };
    },
    declare: (g) => ({ pixels: g.input('pixels', 'float32', ['I', channelCount, edge, edge]) }),
    batch: (images) => stacked(images, [channelCount, edge, edge], tokenCount),
    features: (g, weights, inputs) => ({
      rows: imageFeatures(g, config, weights, required(inputs['pixels'], 'pixels')),
      deepStack: [],
    }),
  };
}

function stacked(images: readonly BatchedImage[], shape: readonly number[], rowCountPerImage: number): ImageBatch {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(images.length * size);
  images.forEach((image, index) => {
    if (image.data !== undefined) data.set(image.data, index * size);
  });
  return {
    inputs: new Map([['pixels', { dtype: 'float32', shape: [images.length, ...shape], data }]]),
    rowCountPerImage,
  };
}

function checkSize({ width, height }: ImageSize, edge: number): void {
  if (height === edge && width === edge) return;
  throw new MtrlError(
    'CHECKPOINT_UNSUPPORTED',
    `an image of ${width}x${height} pixels, but the model takes ${edge}x${edge}`,
    { hint: 'the image processor of the checkpoint must produce full-size images' },
  );
}
