/** Names and shapes of the weights of Qwen3-VL's tower and mergers, as in `model.safetensors`. */
import type { ModelPart } from '../../engine.ts';
import { type ParameterSpec, linearSpecs, normSpecs } from '../parameters.ts';
import type { Qwen3VlConfig, Qwen3VlVisionConfig } from './qwen3-vl-config.ts';

const root = 'model.visual';

export const qwen3VlNames = {
  patchEmbedding: `${root}.patch_embed.proj`,
  positionEmbedding: `${root}.pos_embed.weight`,
  block: (block: number) => `${root}.blocks.${block}`,
  merger: `${root}.merger`,
  deepStackMerger: (index: number) => `${root}.deepstack_merger_list.${index}`,
} as const;

/** undefined for weights of the decoder. The mergers are the connector. */
export function qwen3VlPartOf(name: string): ModelPart | undefined {
  if (!name.startsWith(`${root}.`)) return undefined;
  return name.startsWith(`${root}.merger.`) || name.startsWith(`${root}.deepstack_merger_list.`)
    ? 'connector'
    : 'vision';
}

export function qwen3VlVisionSpecs({ vision, text }: Qwen3VlConfig): ParameterSpec[] {
  const { hiddenSize, channelCount, frameCount, patchSize, positionSide } = vision;
  const mergedSize = hiddenSize * vision.mergeSize ** 2;
  const mergerSpecs = (at: string, normSize: number): ParameterSpec[] => [
    ...normSpecs(`${at}.norm`, normSize),
    ...linearSpecs(`${at}.linear_fc1`, mergedSize, mergedSize, { bias: true }),
    ...linearSpecs(`${at}.linear_fc2`, text.hiddenSize, mergedSize, { bias: true }),
  ];
  return [
    {
      name: `${qwen3VlNames.patchEmbedding}.weight`,
      shape: [hiddenSize, channelCount, frameCount, patchSize, patchSize],
      role: 'matrix',
    },
    { name: `${qwen3VlNames.patchEmbedding}.bias`, shape: [hiddenSize], role: 'bias' },
    { name: qwen3VlNames.positionEmbedding, shape: [positionSide ** 2, hiddenSize], role: 'table' },
    ...Array.from({ length: vision.layerCount }, (_, block) => blockSpecs(vision, qwen3VlNames.block(block))).flat(),
    ...mergerSpecs(qwen3VlNames.merger, hiddenSize),
    ...vision.deepStackBlocks.flatMap((_, index) => mergerSpecs(qwen3VlNames.deepStackMerger(index), mergedSize)),
  ];
}

function blockSpecs({ hiddenSize, intermediateSize }: Qwen3VlVisionConfig, at: string): ParameterSpec[] {
  return [
    ...normSpecs(`${at}.norm1`, hiddenSize),
    ...linearSpecs(`${at}.attn.qkv`, 3 * hiddenSize, hiddenSize, { bias: true }),
    ...linearSpecs(`${at}.attn.proj`, hiddenSize, hiddenSize, { bias: true, residual: true }),
    ...normSpecs(`${at}.norm2`, hiddenSize),
    ...linearSpecs(`${at}.mlp.linear_fc1`, intermediateSize, hiddenSize, { bias: true }),
    ...linearSpecs(`${at}.mlp.linear_fc2`, hiddenSize, intermediateSize, { bias: true, residual: true }),
  ];
}
