/**
 * Interface of a model for the graphs, read from its Hugging Face `config.json`. training-graph.ts and rollout-graph.ts
 * use only this interface and do not depend on the architecture.
 */
import { z } from 'zod';
import type { ModelPart, ImageSize, PixelValues } from '../engine.ts';
import type { ConstantData, DType, Graph, Value } from '../graph/ir.ts';
import { readFields } from './config-fields.ts';
import { idefics3, idefics3ModelTypes } from './idefics3/idefics3.ts';
import { type ParameterSpec, type Weights, inNameOrder } from './parameters.ts';
import { qwen3Vl, qwen3VlModelType } from './qwen3-vl/qwen3-vl.ts';
import { type TextConfig, readTextConfig, textModelTypes } from './text-config.ts';
import { type TextNames, textNames, textPartOf, textSpecs } from './text-parameters.ts';

export interface Architecture {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly text: TextConfig;
  readonly names: TextNames;
  /** In name order. */
  readonly parameterSpecs: readonly ParameterSpec[];
  readonly partOf: (parameterName: string) => ModelPart;
  /** Absent for a text-only model. */
  readonly images?: ImageReader;
}

/** An image in a batch. Without pixels, its data are zeros, which suffices for planning. */
export type BatchedImage = ImageSize & Partial<PixelValues>;

/** Converts images to rows of the decoder's input. */
export interface ImageReader {
  /** Image token: a prompt contains one for each row of an image. */
  readonly tokenId: number;
  /** Form of the images that the checkpoint's image processor must produce. */
  readonly form: ImageForm;
  /** @throws CHECKPOINT_UNSUPPORTED for an image size that the model does not accept */
  tokenGrid(image: ImageSize): TokenGrid;
  /** Declares the graph's inputs for a batch of I images. */
  declare(g: Graph): ImageInputs;
  /**
   * Data of those inputs.
   * @param pixelCountMax pixel count to which smaller images are padded; default: that of the largest image
   */
  batch(images: readonly BatchedImage[], pixelCountMax?: number): ImageBatch;
  features(g: Graph, weights: Weights, inputs: ImageInputs): ImageFeatures;
}

/** Images of one size, or of any size in whole merged patches; sizes in pixels per side. */
export type ImageForm =
  | { readonly kind: 'square'; readonly edge: number; readonly tokenCount: number }
  | { readonly kind: 'patches'; readonly patchSize: number; readonly mergeSize: number; readonly frameCount: number };

/** Size of an image in tokens, which are ordered row by row. */
export interface TokenGrid {
  readonly rowCount: number;
  readonly columnCount: number;
}

/** Graph inputs by name. */
export type ImageInputs = Readonly<Record<string, Value>>;

/** Data of one graph input. */
export interface InputData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

export interface ImageBatch {
  readonly inputs: ReadonlyMap<string, InputData>;
  /** T, feature rows per image; rows after the image's tokens are padding. */
  readonly rowCountPerImage: number;
}

export interface ImageFeatures {
  /** float32 [I*T, D], inserted at the image tokens. */
  readonly rows: Value;
  /** float32 [I*T, D] each, added to hidden states after the decoder's first layers (DeepStack, arXiv 2406.04334). */
  readonly deepStack: readonly Value[];
}

/** Parses config.json. @throws CHECKPOINT_UNSUPPORTED naming the field, CHECKPOINT_INVALID */
export function readArchitecture(json: unknown, where: string): Architecture {
  const known = z.looseObject({ model_type: z.enum([...idefics3ModelTypes, qwen3VlModelType, ...textModelTypes]) });
  const { model_type: modelType } = readFields(known, json, { where });
  if (modelType === 'idefics3' || modelType === 'smolvlm') return idefics3(json, where);
  if (modelType === qwen3VlModelType) return qwen3Vl(json, where);
  const text = readTextConfig(json, { where });
  const names = textNames('model');
  return {
    modelType,
    text,
    names,
    parameterSpecs: inNameOrder(textSpecs(text, names)),
    partOf: (name) => textPartOf(names, name),
  };
}
