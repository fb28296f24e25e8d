/** Names and shapes of a decoder's weights, as in `model.safetensors` of Llama, Qwen2 and Qwen3. */
import type { ModelPart } from '../engine.ts';
import { type ParameterSpec, linearSpecs } from './parameters.ts';
import type { TextConfig } from './text-config.ts';

export interface TextNames {
  readonly embedding: string;
  readonly finalNorm: string;
  /** Name of the module, without `.weight`. */
  readonly head: string;
  /** Name of the layer's module, without a final dot. */
  layer(index: number): string;
}

/** @param prefix `model` for a text model, `model.text_model` inside Idefics3 */
export const textNames = (prefix: string): TextNames => ({
  embedding: `${prefix}.embed_tokens.weight`,
  finalNorm: `${prefix}.norm.weight`,
  head: 'lm_head',
  layer: (index) => `${prefix}.layers.${index}`,
});

export function textSpecs(config: TextConfig, names: TextNames): ParameterSpec[] {
  const { vocabularySize, hiddenSize } = config;
  const specs: ParameterSpec[] = [
    { name: names.embedding, shape: [vocabularySize, hiddenSize], role: 'table' },
    ...Array.from({ length: config.layerCount }, (_, layer) => layerSpecs(config, names.layer(layer))).flat(),
    { name: names.finalNorm, shape: [hiddenSize], role: 'scale' },
  ];
  if (config.tiedHead) return specs;
  return [...specs, { name: `${names.head}.weight`, shape: [vocabularySize, hiddenSize], role: 'head' }];
}

function layerSpecs(config: TextConfig, at: string): ParameterSpec[] {
  const { hiddenSize, headSize, intermediateSize, queryKeyValueBias, outputBias, mlpBias } = config;
  const queryWidth = config.headCount * headSize;
  const keyWidth = config.keyValueHeadCount * headSize;
  const scale = (name: string, width: number): ParameterSpec => ({
    name: `${at}.${name}.weight`,
    shape: [width],
    role: 'scale',
  });
  return [
    scale('input_layernorm', hiddenSize),
    ...linearSpecs(`${at}.self_attn.q_proj`, queryWidth, hiddenSize, { bias: queryKeyValueBias }),
    ...linearSpecs(`${at}.self_attn.k_proj`, keyWidth, hiddenSize, { bias: queryKeyValueBias }),
    ...linearSpecs(`${at}.self_attn.v_proj`, keyWidth, hiddenSize, { bias: queryKeyValueBias }),
    ...linearSpecs(`${at}.self_attn.o_proj`, hiddenSize, queryWidth, { bias: outputBias, residual: true }),
    ...(config.queryKeyNorm ? [scale('self_attn.q_norm', headSize), scale('self_attn.k_norm', headSize)] : []),
    scale('post_attention_layernorm', hiddenSize),
    ...linearSpecs(`${at}.mlp.gate_proj`, intermediateSize, hiddenSize, { bias: mlpBias }),
    ...linearSpecs(`${at}.mlp.up_proj`, intermediateSize, hiddenSize, { bias: mlpBias }),
    ...linearSpecs(`${at}.mlp.down_proj`, hiddenSize, intermediateSize, { bias: mlpBias, residual: true }),
  ];
}

export function textPartOf(names: TextNames, name: string): ModelPart {
  if (name === names.embedding) return 'embeddings';
  return name.startsWith(names.head) ? 'head' : 'decoder';
}
