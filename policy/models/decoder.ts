/** Llama decoder (transformers, modeling_llama.py), with the attention left to the caller: training, prefill and decoding differ only there. */
import { linear, mul, rmsNormalization, rotaryEmbedding, sigmoid } from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { mergeHeads, splitHeads } from './attention.ts';
import type { Idefics3Config, TextConfig } from './idefics3-config.ts';
import { type Weights, names } from './parameters.ts';

/** q [B, H, S, d]; k and v [B, K, S, d] with K key/value heads; rotated. Returns [B, H, S, d]. */
export type Attention = (layer: number, q: Value, k: Value, v: Value) => Value;

export interface DecoderBatch {
  readonly batch: Dim;
  readonly length: Dim;
  /** int64 [B, S] */
  readonly positions: Value;
}

/** x [B*S, D] -> [B*S, D], final norm not yet applied. */
export function decoder(
  g: Graph,
  config: TextConfig,
  weights: Weights,
  x: Value,
  batch: DecoderBatch,
  attention: Attention,
): Value {
  const rotate = rotation(g, config, batch.positions);
  let hidden = x;
  for (let layer = 0; layer < config.layerCount; layer++) {
    const at = names.textLayer(layer);
    const project = (name: string, input: Value, residual?: Value): Value =>
      linear(g, input, weights(`${at}.${name}.weight`), residual);
    const y = rmsNormalization(g, hidden, weights(`${at}.input_layernorm.weight`), config.rmsNormEpsilon);
    const heads = (name: string, headCount: number): Value =>
      splitHeads(g, project(`self_attn.${name}`, y), batch.batch, batch.length, headCount);
    const q = rotate(heads('q_proj', config.headCount));
    const k = rotate(heads('k_proj', config.keyValueHeadCount));
    const v = heads('v_proj', config.keyValueHeadCount);
    const attended = project('self_attn.o_proj', mergeHeads(g, attention(layer, q, k, v)), hidden);
    const z = rmsNormalization(g, attended, weights(`${at}.post_attention_layernorm.weight`), config.rmsNormEpsilon);
    const gate = project('mlp.gate_proj', z);
    const activated = mul(g, mul(g, gate, sigmoid(g, gate)), project('mlp.up_proj', z));
    hidden = project('mlp.down_proj', activated, attended);
  }
  return hidden;
}

/** Final norm and head: [N, D] -> logits [N, V]. */
export function languageHead(g: Graph, config: Idefics3Config, weights: Weights, hidden: Value): Value {
  const normed = rmsNormalization(g, hidden, weights(names.finalNorm), config.text.rmsNormEpsilon);
  return linear(g, normed, weights(config.tiedHead ? names.embedding : names.head));
}

/** Rotary position tables [positions, d/2] (Su et al., RoFormer; default RoPE of Llama). */
function rotation(g: Graph, config: TextConfig, positions: Value): (x: Value) => Value {
  const half = config.headSize / 2;
  const cosine = new Float32Array(config.positionCountMax * half);
  const sine = new Float32Array(config.positionCountMax * half);
  for (let position = 0; position < config.positionCountMax; position++) {
    for (let i = 0; i < half; i++) {
      // transformers computes inverse frequencies and angles in float32.
      const frequency = Math.fround(1 / Math.fround(config.ropeTheta ** ((2 * i) / config.headSize)));
      const angle = Math.fround(position * frequency);
      cosine[position * half + i] = Math.cos(angle);
      sine[position * half + i] = Math.sin(angle);
    }
  }
  const shape = [config.positionCountMax, half];
  const tables = [g.constant(cosine, shape), g.constant(sine, shape)] as const;
  return (x) => rotaryEmbedding(g, x, positions, tables[0], tables[1]);
}
