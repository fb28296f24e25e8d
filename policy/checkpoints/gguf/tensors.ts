/** Tensors of a GGUF file under the names, and in the order of rows, that transformers has. */
import { MtrlError } from '../../../core/errors.ts';
import type { GgufArchitecture } from './architectures.ts';
import type { GgufFile, GgufTensor } from './gguf-file.ts';

/** The factors of llama3 rope scaling, which config.json expresses by its parameters. */
export const ropeFactorsName = 'rope_freqs.weight';

export interface NamedTensor {
  /** Name in transformers. */
  readonly name: string;
  readonly source: GgufTensor;
  /** Number of heads whose rows are interleaved; undefined if rows are in order. */
  readonly interleavedHeadCount: number | undefined;
}

const modules: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const outside: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/** @throws CHECKPOINT_UNSUPPORTED naming a tensor that no module of a text decoder has */
export function namedTensors(
  { path, tensors }: GgufFile,
  { interleavesHeads }: GgufArchitecture,
  { headCount, keyValueHeadCount }: { readonly headCount: number; readonly keyValueHeadCount: number },
): readonly NamedTensor[] {
  const interleaved: Readonly<Record<string, number>> = interleavesHeads
    ? { attn_q: headCount, attn_k: keyValueHeadCount }
    : {};
  return tensors
    .filter(({ name }) => name !== ropeFactorsName)
    .map((source) => {
      const [, layer = '', module = '', kind = ''] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(source.name) ?? [];
      const inLayer = modules[module];
      const name = inLayer === undefined ? outside[source.name] : `model.layers.${layer}.${inLayer}.${kind}`;
      if (name !== undefined) return { name, source, interleavedHeadCount: interleaved[module] };
      throw new MtrlError('CHECKPOINT_UNSUPPORTED', `tensor ${source.name} belongs to no part of a text decoder`, {
        where: path,
        found: `a tensor of ${source.shape.join(' x ')}`,
      });
    });
}

/**
 * Rows in the order of transformers: the first and second half of each head, whose rows alternate in the file.
 * @param values [headCount * headSize, columns], or a bias [headCount * headSize]
 */
export function withHeadHalves(values: Float32Array, rowCount: number, headCount: number): Float32Array {
  const columnCount = values.length / rowCount;
  const headSize = rowCount / headCount;
  const ordered = new Float32Array(values.length);
  for (let row = 0; row < rowCount; row++) {
    const within = row % headSize;
    const target = row - within + (within % 2) * (headSize / 2) + (within >> 1);
    ordered.set(values.subarray(row * columnCount, (row + 1) * columnCount), target * columnCount);
  }
  return ordered;
}
