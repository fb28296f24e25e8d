/** The weights of an Idefics3 model: names and shapes as in its `model.safetensors`. */
import type { Graph, Value } from '../graph/ir.ts';
import type { Idefics3Config } from './idefics3-config.ts';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** What fresh weights are drawn from: matrices and tables from a normal, norms are ones, biases zeros. */
  readonly role: 'matrix' | 'residual-matrix' | 'table' | 'scale' | 'bias';
}

/** Looks a weight up by its Hugging Face name. */
export type Weights = (name: string) => Value;

export const names = {
  embedding: 'model.text_model.embed_tokens.weight',
  finalNorm: 'model.text_model.norm.weight',
  head: 'lm_head.weight',
  connector: 'model.connector.modality_projection.proj.weight',
  textLayer: (layer: number) => `model.text_model.layers.${layer}`,
  visionLayer: (layer: number) => `model.vision_model.encoder.layers.${layer}`,
  patchEmbedding: 'model.vision_model.embeddings.patch_embedding',
  positionEmbedding: 'model.vision_model.embeddings.position_embedding.weight',
  visionNorm: 'model.vision_model.post_layernorm',
} as const;

export function parameterSpecs(config: Idefics3Config): ParameterSpec[] {
  const { text, vision } = config;
  const specs: ParameterSpec[] = [
    { name: names.embedding, shape: [text.vocabularySize, text.hiddenSize], role: 'table' },
    ...Array.from({ length: text.layerCount }, (_, layer) => textLayerSpecs(config, layer)).flat(),
    { name: names.finalNorm, shape: [text.hiddenSize], role: 'scale' },
    { name: names.connector, shape: [text.hiddenSize, vision.hiddenSize * config.scaleFactor ** 2], role: 'matrix' },
    {
      name: `${names.patchEmbedding}.weight`,
      shape: [vision.hiddenSize, vision.channelCount, vision.patchSize, vision.patchSize],
      role: 'matrix',
    },
    { name: `${names.patchEmbedding}.bias`, shape: [vision.hiddenSize], role: 'bias' },
    {
      name: names.positionEmbedding,
      shape: [(vision.imageSize / vision.patchSize) ** 2, vision.hiddenSize],
      role: 'table',
    },
    ...Array.from({ length: vision.layerCount }, (_, layer) => visionLayerSpecs(config, layer)).flat(),
    { name: `${names.visionNorm}.weight`, shape: [vision.hiddenSize], role: 'scale' },
    { name: `${names.visionNorm}.bias`, shape: [vision.hiddenSize], role: 'bias' },
  ];
  if (!config.tiedHead) specs.push({ name: names.head, shape: [text.vocabularySize, text.hiddenSize], role: 'matrix' });
  return specs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function textLayerSpecs({ text }: Idefics3Config, layer: number): ParameterSpec[] {
  const at = names.textLayer(layer);
  const queryWidth = text.headCount * text.headSize;
  const keyWidth = text.keyValueHeadCount * text.headSize;
  return [
    { name: `${at}.input_layernorm.weight`, shape: [text.hiddenSize], role: 'scale' },
    { name: `${at}.self_attn.q_proj.weight`, shape: [queryWidth, text.hiddenSize], role: 'matrix' },
    { name: `${at}.self_attn.k_proj.weight`, shape: [keyWidth, text.hiddenSize], role: 'matrix' },
    { name: `${at}.self_attn.v_proj.weight`, shape: [keyWidth, text.hiddenSize], role: 'matrix' },
    { name: `${at}.self_attn.o_proj.weight`, shape: [text.hiddenSize, queryWidth], role: 'residual-matrix' },
    { name: `${at}.post_attention_layernorm.weight`, shape: [text.hiddenSize], role: 'scale' },
    { name: `${at}.mlp.gate_proj.weight`, shape: [text.intermediateSize, text.hiddenSize], role: 'matrix' },
    { name: `${at}.mlp.up_proj.weight`, shape: [text.intermediateSize, text.hiddenSize], role: 'matrix' },
    { name: `${at}.mlp.down_proj.weight`, shape: [text.hiddenSize, text.intermediateSize], role: 'residual-matrix' },
  ];
}

function visionLayerSpecs({ vision }: Idefics3Config, layer: number): ParameterSpec[] {
  const at = names.visionLayer(layer);
  const width = vision.hiddenSize;
  const linear = (name: string, out: number, inner: number, role: ParameterSpec['role']): ParameterSpec[] => [
    { name: `${at}.${name}.weight`, shape: [out, inner], role },
    { name: `${at}.${name}.bias`, shape: [out], role: 'bias' },
  ];
  const norm = (name: string): ParameterSpec[] => [
    { name: `${at}.${name}.weight`, shape: [width], role: 'scale' },
    { name: `${at}.${name}.bias`, shape: [width], role: 'bias' },
  ];
  return [
    ...norm('layer_norm1'),
    ...['q_proj', 'k_proj', 'v_proj'].flatMap((name) => linear(`self_attn.${name}`, width, width, 'matrix')),
    ...linear('self_attn.out_proj', width, width, 'residual-matrix'),
    ...norm('layer_norm2'),
    ...linear('mlp.fc1', vision.intermediateSize, width, 'matrix'),
    ...linear('mlp.fc2', width, vision.intermediateSize, 'residual-matrix'),
  ];
}

/** Declares every weight as a graph input of its own name. */
export function declareWeights(graph: Graph, specs: readonly ParameterSpec[]): Map<string, Value> {
  return new Map(specs.map((spec) => [spec.name, graph.input(spec.name, 'float32', spec.shape)]));
}
