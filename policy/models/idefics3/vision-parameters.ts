/** Names and shapes of the weights of Idefics3's SigLIP tower and connector, as in `model.safetensors`. */
import type { ModelPart } from '../../engine.ts';
import { type Idefics3Config, patchSide } from './idefics3-config.ts';
import { type ParameterSpec, linearSpecs, normSpecs } from '../parameters.ts';

export const visionNames = {
  connector: 'model.connector.modality_projection.proj',
  layer: (layer: number) => `model.vision_model.encoder.layers.${layer}`,
  patchEmbedding: 'model.vision_model.embeddings.patch_embedding',
  positionEmbedding: 'model.vision_model.embeddings.position_embedding.weight',
  finalNorm: 'model.vision_model.post_layernorm',
} as const;

/** undefined for weights of the decoder. */
export function visionPartOf(name: string): ModelPart | undefined {
  if (name.startsWith('model.vision_model.')) return 'vision';
  return name.startsWith('model.connector.') ? 'connector' : undefined;
}

export function visionSpecs({ vision, text, scaleFactor }: Idefics3Config): ParameterSpec[] {
  const { hiddenSize, channelCount, patchSize } = vision;
  return [
    ...linearSpecs(visionNames.connector, text.hiddenSize, hiddenSize * scaleFactor ** 2, { bias: false }),
    {
      name: `${visionNames.patchEmbedding}.weight`,
      shape: [hiddenSize, channelCount, patchSize, patchSize],
      role: 'matrix',
    },
    { name: `${visionNames.patchEmbedding}.bias`, shape: [hiddenSize], role: 'bias' },
    { name: visionNames.positionEmbedding, shape: [patchSide(vision) ** 2, hiddenSize], role: 'table' },
    ...Array.from({ length: vision.layerCount }, (_, layer) => layerSpecs(vision, visionNames.layer(layer))).flat(),
    ...normSpecs(visionNames.finalNorm, hiddenSize),
  ];
}

function layerSpecs({ hiddenSize, intermediateSize }: Idefics3Config['vision'], at: string): ParameterSpec[] {
  return [
    ...normSpecs(`${at}.layer_norm1`, hiddenSize),
    ...['q_proj', 'k_proj', 'v_proj'].flatMap((name) =>
      linearSpecs(`${at}.self_attn.${name}`, hiddenSize, hiddenSize, { bias: true }),
    ),
    ...linearSpecs(`${at}.self_attn.out_proj`, hiddenSize, hiddenSize, { bias: true, residual: true }),
    ...normSpecs(`${at}.layer_norm2`, hiddenSize),
    ...linearSpecs(`${at}.mlp.fc1`, intermediateSize, hiddenSize, { bias: true }),
    ...linearSpecs(`${at}.mlp.fc2`, hiddenSize, intermediateSize, { bias: true, residual: true }),
  ];
}
