/**
 * What the graphs need to know of a model, read from its Hugging Face `config.json`. This is the one place that tells
 * architectures apart: training-graph.ts and rollout-graph.ts see this interface only.
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
  /** Left out: the model reads text only. */
  readonly images?: ImageReader;
}

/** Without pixels a batch has its shapes alone, and zeros: enough to plan with. */
export type BatchedImage = ImageSize & Partial<PixelValues>;

/** How images become rows of the decoder's input. */
export interface ImageReader {
  /** Stands in a prompt for each row that an image becomes. */
  readonly tokenId: number;
  /** What the image processor of a checkpoint must give. */
  readonly form: ImageForm;
  /** @throws CHECKPOINT_UNSUPPORTED for an image of a size that the model does not take */
  tokenGrid(image: ImageSize): TokenGrid;
  /** The graph's inputs for a batch of I images. */
  declare(g: Graph): ImageInputs;
  /**
   * Data of those inputs.
   * @param pixelCountMax images smaller than this are padded to it; left out: to the largest of them
   */
  batch(images: readonly BatchedImage[], pixelCountMax?: number): ImageBatch;
  features(g: Graph, weights: Weights, inputs: ImageInputs): ImageFeatures;
}

/** Pictures of one size, or of any size in whole merged patches; pixels a side. */
export type ImageForm =
  | { readonly kind: 'square'; readonly edge: number; readonly tokenCount: number }
  | { readonly kind: 'patches'; readonly patchSize: number; readonly mergeSize: number; readonly frameCount: number };

/** The tokens of an image stand row by row. */
export interface TokenGrid {
  readonly rowCount: number;
  readonly columnCount: number;
}

/** By name. */
export type ImageInputs = Readonly<Record<string, Value>>;

/** Data of a graph's input. */
export interface InputData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

export interface ImageBatch {
  readonly inputs: ReadonlyMap<string, InputData>;
  /** T, rows of features from one image to the next; those behind an image's tokens are padding. */
  readonly rowCountPerImage: number;
}

export interface ImageFeatures {
  /** float32 [I*T, D], in the places of image tokens. */
  readonly rows: Value;
  /** The same of more features, added to the decoder's hidden states behind its first layers (DeepStack, arXiv 2406.04334). */
  readonly deepStack: readonly Value[];
}

/** @throws CHECKPOINT_UNSUPPORTED naming the field, CHECKPOINT_INVALID */
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
