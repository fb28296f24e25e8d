/** config.json of the model in a GGUF file. The reader of config.json checks its values. */
import { MtrlError } from '../../../core/errors.ts';
import { inverseFrequencies } from '../../models/rope.ts';
import { type GgufArchitecture, architectureOf } from './architectures.ts';
import { type GgufFile, readGgufTensor } from './gguf-file.ts';
import type { GgufMetadata } from './metadata.ts';
import { ropeFactorsName } from './tensors.ts';

export interface GgufConfig {
  readonly architecture: GgufArchitecture;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  /** Content of config.json. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Keys after the architecture's name that are read, and those that change nothing for inference in full attention. */
const readKeys = [
  ...['block_count', 'context_length', 'embedding_length', 'feed_forward_length', 'vocab_size'],
  ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'attention.value_length'],
  ...['attention.layer_norm_rms_epsilon', 'rope.freq_base', 'rope.dimension_count', 'tensor_data_layout'],
  ...['rope.scaling.type', 'rope.scaling.factor', 'rope.scale_linear', 'rope.scaling.original_context_length'],
];

/** @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID; both name the key */
export async function readGgufConfig(file: GgufFile): Promise<GgufConfig> {
  const { metadata, tensors } = file;
  const architecture = architectureOf(metadata);
  requireKnownKeys(metadata, architecture);
  const at = (key: string): string => `${architecture.name}.${key}`;
  const needed = (key: string): number => metadata.required(at(key), metadata.number(at(key)));
  const has = (name: string): boolean => tensors.some((tensor) => tensor.name === name);
  const hiddenSize = needed('embedding_length');
  const headCount = needed('attention.head_count');
  const keyValueHeadCount = metadata.number(at('attention.head_count_kv')) ?? headCount;
  const headSize = metadata.number(at('attention.key_length')) ?? hiddenSize / headCount;
  for (const key of ['attention.value_length', 'rope.dimension_count']) {
    const size = metadata.number(at(key)) ?? headSize;
    if (size !== headSize) throw unsupported(metadata, at(key), `${size}, but heads have ${headSize} values`);
  }
  const theta = metadata.number(at('rope.freq_base')) ?? 10000;
  const json = {
    architectures: [architecture.className],
    model_type: architecture.name,
    hidden_size: hiddenSize,
    num_hidden_layers: needed('block_count'),
    num_attention_heads: headCount,
    num_key_value_heads: keyValueHeadCount,
    ...(headSize * headCount !== hiddenSize || architecture.name === 'qwen3' ? { head_dim: headSize } : {}),
    intermediate_size: needed('feed_forward_length'),
    // The embedding decides: files may give more rows than the vocabulary has tokens.
    vocab_size: tensors.find(({ name }) => name === 'token_embd.weight')?.shape[0] ?? 0,
    max_position_embeddings: needed('context_length'),
    rms_norm_eps: shortest(needed('attention.layer_norm_rms_epsilon')),
    hidden_act: 'silu',
    tie_word_embeddings: !has('output.weight'),
    ...(architecture.name === 'qwen2' ? {} : { attention_bias: has('blk.0.attn_q.bias') }),
    ...(architecture.name === 'llama' ? { mlp_bias: has('blk.0.ffn_gate.bias') } : {}),
    rope_parameters: await ropeParameters(file, at, theta, headSize),
    ...tokenId(metadata, 'bos'),
    ...tokenId(metadata, 'eos'),
    dtype: 'float32',
  };
  return { architecture, headCount, keyValueHeadCount, json };
}

function tokenId(metadata: GgufMetadata, name: string): Record<string, number> {
  const id = metadata.number(`tokenizer.ggml.${name}_token_id`);
  return id === undefined ? {} : { [`${name}_token_id`]: id };
}

/** Anything else, such as experts or a sliding window, would change what the model computes. */
function requireKnownKeys(metadata: GgufMetadata, { name }: GgufArchitecture): void {
  const known = new Set(readKeys.map((key) => `${name}.${key}`));
  const unknown = metadata.keys.filter((key) => key.startsWith(`${name}.`) && !known.has(key));
  for (const key of unknown) {
    // A count of experts of 0 says that there are none.
    if (metadata.number(key) !== 0) throw unsupported(metadata, key, 'a setting that is not supported');
  }
}

async function ropeParameters(file: GgufFile, at: (key: string) => string, theta: number, headSize: number) {
  const { metadata } = file;
  const type = metadata.text(at('rope.scaling.type')) ?? 'none';
  const factor = metadata.number(at('rope.scaling.factor')) ?? metadata.number(at('rope.scale_linear'));
  if (type === 'linear' || (type === 'none' && factor !== undefined && factor !== 1))
    return { rope_type: 'linear', rope_theta: theta, factor: metadata.required(at('rope.scaling.factor'), factor) };
  if (type !== 'none') throw unsupported(metadata, at('rope.scaling.type'), type);
  const factors = file.tensors.find(({ name }) => name === ropeFactorsName);
  if (factors === undefined) return { rope_type: 'default', rope_theta: theta };
  return llama3Parameters(await readGgufTensor(file, factors), theta, headSize, metadata.where);
}

/**
 * The parameters from which llama.cpp made the factors that divide each frequency: the file keeps only the factors. All
 * Llama 3 models interpolate between 1 and 4 turns in the original context.
 */
function llama3Parameters(divisors: Float32Array, theta: number, headSize: number, where: string) {
  const [low, high] = [1, 4];
  const factor = Math.max(...divisors);
  const plain = inverseFrequencies({ type: 'default', theta }, headSize);
  const i = divisors.findIndex((divisor) => divisor > 1 && divisor < factor);
  const kept = (1 / (divisors[i] ?? NaN) - 1 / factor) / (1 - 1 / factor);
  const original = Math.round((kept * (high - low) + low) * ((2 * Math.PI) / (plain[i] ?? NaN)));
  const parameters = {
    ...{ rope_type: 'llama3', rope_theta: theta, factor: shortest(factor), low_freq_factor: low },
    ...{ high_freq_factor: high, original_max_position_embeddings: original },
  };
  const scaled = inverseFrequencies(
    {
      ...{ type: 'llama3', theta, factor, lowFrequencyFactor: low, highFrequencyFactor: high },
      originalPositionCountMax: original,
    },
    headSize,
  );
  const isExplained = [...divisors].every(
    (divisor, k) => Math.abs(((scaled[k] ?? NaN) * divisor) / (plain[k] ?? NaN) - 1) < 1e-4,
  );
  if (isExplained && divisors.length === headSize / 2) return parameters;
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', `the factors in ${ropeFactorsName} are not those of llama3 scaling`, {
    where,
  });
}

function unsupported({ where }: GgufMetadata, key: string, found: string): MtrlError {
  return new MtrlError('CHECKPOINT_UNSUPPORTED', `${key} has a value that is not supported`, { where, found });
}

/** The number with the fewest digits that is the same float32: files store 1e-5 as 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}
