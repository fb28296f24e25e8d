/** Qwen3-VL (dense): tower for images of any size, mergers, DeepStack, and Qwen3 decoder with three-axis positions. */
import { MtrlError } from '../../../core/errors.ts';
import type { ImageSize } from '../../engine.ts';
import type { Architecture, ImageReader, TokenGrid } from '../architecture.ts';
import { inNameOrder } from '../parameters.ts';
import { patchBatch } from '../patch-batch.ts';
import { type Qwen3VlVisionConfig, parseQwen3VlConfig } from './qwen3-vl-config.ts';
import { qwen3VlPartOf, qwen3VlVisionSpecs } from './qwen3-vl-parameters.ts';
import { declarePatches, patchFeatures } from './qwen3-vl-tower.ts';
import { textNames, textPartOf, textSpecs } from '../text-parameters.ts';

export const qwen3VlModelType = 'qwen3_vl';

/** @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID */
export function qwen3Vl(json: unknown, where: string): Architecture {
  const config = parseQwen3VlConfig(json, where);
  const { vision } = config;
  const { patchSize, mergeSize, frameCount } = vision;
  const names = textNames('model.language_model');
  const images: ImageReader = {
    tokenId: config.imageTokenId,
    form: { kind: 'patches', patchSize, mergeSize, frameCount },
    tokenGrid: (image) => tokenGrid(image, vision),
    declare: (g) => declarePatches(g, vision),
    batch: (pictures, pixelCountMax = 0) => patchBatch(vision, pictures, pixelCountMax),
    features: (g, weights, inputs) => patchFeatures(g, vision, weights, inputs),
  };
  return {
    modelType: qwen3VlModelType,
    text: config.text,
    names,
    parameterSpecs: inNameOrder([...textSpecs(config.text, names), ...qwen3VlVisionSpecs(config)]),
    partOf: (name) => qwen3VlPartOf(name) ?? textPartOf(names, name),
    images,
  };
}

function tokenGrid({ height, width }: ImageSize, { patchSize, mergeSize }: Qwen3VlVisionConfig): TokenGrid {
  const edge = patchSize * mergeSize;
  if (height % edge === 0 && width % edge === 0) return { rowCount: height / edge, columnCount: width / edge };
  throw new MtrlError(
    'CHECKPOINT_UNSUPPORTED',
    `an image of ${width}x${height} pixels, but the model takes multiples of ${edge}`,
    { hint: 'the image processor of the checkpoint must resize images' },
  );
}
