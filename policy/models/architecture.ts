/**
 * What the graphs need to know of a model, read from its Hugging Face `config.json`. This is the one place that tells
 * architectures apart: training-graph.ts and rollout-graph.ts see this interface only.
 */
import { z } from 'zod';
import type { ModelPart } from '../engine.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { readFields } from './config-fields.ts';
import { idefics3, idefics3ModelTypes } from './idefics3.ts';
import { type ParameterSpec, type Weights, inNameOrder } from './parameters.ts';
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

/** How images become rows of the decoder's input. */
export interface ImageReader {
  /** Stands in a prompt for each row that an image becomes. */
  readonly tokenId: number;
  readonly tokenCountPerImage: number;
  /** Pixels a side. */
  readonly edge: number;
  readonly channelCount: number;
  /** float32 [I, channels, edge, edge], normalised -> float32 [I*T, D], T tokens an image */
  features(g: Graph, weights: Weights, pixels: Value): Value;
}

/** @throws CHECKPOINT_UNSUPPORTED naming the field, CHECKPOINT_INVALID */
export function readArchitecture(json: unknown, where: string): Architecture {
  const known = z.looseObject({ model_type: z.enum([...idefics3ModelTypes, ...textModelTypes]) });
  const { model_type: modelType } = readFields(known, json, { where });
  if (modelType === 'idefics3' || modelType === 'smolvlm') return idefics3(json, where);
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
