/**
 * The decoder of Llama, Qwen2 and Qwen3 (transformers, modeling_llama.py, modeling_qwen3.py). The caller provides the
 * attention, the only difference between training, prefill and decoding.
 */
import { add, mul, rmsNormalization, rotaryEmbedding, sigmoid } from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Architecture } from './architecture.ts';
import { type Layout, columnCountMax, rows } from './layout.ts';
import type { Weights } from './parameters.ts';
import { project } from './projection.ts';
import { inverseFrequencies } from './rope.ts';
import type { RotaryTables } from './rotary-rows.ts';
import type { TextConfig } from './text-config.ts';

/** q [B, H, S, d]; k and v [B, K, S, d] with K key/value heads; q and k are rotated. Returns [B, H, S, d]. */
export type Attention = (layer: number, q: Value, k: Value, v: Value) => Value;

export interface DecoderBatch {
  readonly batch: Dim;
  readonly length: Dim;
  /** int64 [B, S]: rows of the rotary tables. */
  readonly positions: Value;
  /** undefined: the decoder uses its own tables, with one row per position. */
  readonly rotary: RotaryTables | undefined;
  /** float32 [B*S, D] each, added to the hidden states after the first layers. */
  readonly deepStack?: readonly Value[];
  /** Layout of input and output. Default: `rows`. */
  readonly layout?: Layout;
}

/** Maps x [B*S, D], arranged as in the layout, to hidden states of the same shape, before the final norm. */
export function decoder(
  g: Graph,
  { text, names }: Architecture,
  weights: Weights,
  x: Value,
  batch: DecoderBatch,
  attention: Attention,
): Value {
  const { layout = rows } = batch;
  const rotate = rotation(g, batch.positions, batch.rotary ?? ownTables(g, text));
  const norm = (input: Value, name: string): Value =>
    normOfTokens(g, layout, input, weights.of(`${name}.weight`), text);
  const projected = (module: string, input: Value, residual?: Value): Value =>
    project(g, weights, module, input, residual, layout);
  const layerOf = (layer: number, hidden: Value): Value => {
    const at = names.layer(layer);
    const y = norm(hidden, `${at}.input_layernorm`);
    const heads = (name: string, headCount: number): Value =>
      layout.splitHeads(g, projected(`${at}.self_attn.${name}`, y), batch.batch, batch.length, headCount);
    const normed = (name: string, value: Value): Value =>
      text.queryKeyNorm ? rmsNorm(g, value, weights.of(`${at}.self_attn.${name}.weight`), text) : value;
    const q = rotate(normed('q_norm', heads('q_proj', text.headCount)));
    const k = rotate(normed('k_norm', heads('k_proj', text.keyValueHeadCount)));
    const v = heads('v_proj', text.keyValueHeadCount);
    const mixed = layout.mergeHeads(g, attention(layer, q, k, v));
    const attended = projected(`${at}.self_attn.o_proj`, mixed, hidden);
    const z = norm(attended, `${at}.post_attention_layernorm`);
    const gate = projected(`${at}.mlp.gate_proj`, z);
    const activated = mul(g, mul(g, gate, sigmoid(g, gate)), projected(`${at}.mlp.up_proj`, z));
    return projected(`${at}.mlp.down_proj`, activated, attended);
  };
  let hidden = x;
  for (let layer = 0; layer < text.layerCount; layer++) {
    const input = hidden;
    hidden = g.segment(() => layerOf(layer, input));
    const added = batch.deepStack?.[layer];
    if (added !== undefined) hidden = add(g, hidden, added);
  }
  return hidden;
}

/** Final norm and head: maps hidden states of N tokens to logits [N, V], arranged as in the layout. */
export function languageHead(
  g: Graph,
  { text, names }: Architecture,
  weights: Weights,
  hidden: Value,
  layout: Layout = rows,
): Value {
  const normed = normOfTokens(g, layout, hidden, weights.of(names.finalNorm), text);
  if (text.tiedHead) return layout.product(g, weights.of(names.embedding), normed);
  return project(g, weights, names.head, normed, undefined, layout);
}

/** RMS norm of each token's hidden state, arranged as in the layout. */
function normOfTokens(g: Graph, layout: Layout, x: Value, scale: Value, text: TextConfig): Value {
  return layout.fromRows(g, rmsNorm(g, layout.toRows(g, x), scale, text));
}

function rmsNorm(g: Graph, x: Value, scale: Value, { rmsNormEpsilon }: TextConfig): Value {
  return rmsNormalization(g, x, scale, rmsNormEpsilon);
}

function rotation(g: Graph, positions: Value, { cosine, sine }: RotaryTables): (x: Value) => Value {
  return (x) => rotaryEmbedding(g, x, positions, cosine, sine);
}

/** One row per position; float32 angles, as in transformers. ONNX Runtime requires at least as many rows as tokens. */
function ownTables(g: Graph, config: TextConfig): RotaryTables {
  const frequencies = inverseFrequencies(config.rope, config.headSize);
  const half = frequencies.length;
  const rowCount = Math.max(config.positionCountMax, columnCountMax);
  const cosine = new Float32Array(rowCount * half);
  const sine = new Float32Array(rowCount * half);
  for (let position = 0; position < rowCount; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = Math.fround(position * frequency);
      cosine[position * half + i] = Math.cos(angle);
      sine[position * half + i] = Math.sin(angle);
    }
  }
  const shape = [rowCount, half];
  return { cosine: g.constant(cosine, shape), sine: g.constant(sine, shape) };
}
