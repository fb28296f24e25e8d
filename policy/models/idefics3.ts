/** Idefics3 and SmolVLM: SigLIP tower, pixel shuffle, connector, Llama decoder. */
import type { Architecture } from './architecture.ts';
import { type Idefics3Config, imageTokenCount, parseIdefics3Config } from './idefics3-config.ts';
import { inNameOrder } from './parameters.ts';
import { textNames, textPartOf, textSpecs } from './text-parameters.ts';
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
    images: {
      tokenId: config.imageTokenId,
      tokenCountPerImage: imageTokenCount(config),
      edge: config.vision.imageSize,
      channelCount: config.vision.channelCount,
      features: (g, weights, pixels) => imageFeatures(g, config, weights, pixels),
    },
  };
}
