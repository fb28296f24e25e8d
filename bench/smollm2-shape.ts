/**
 * Writes a checkpoint folder for a model of the shape of SmolLM2-135M-Instruct, with the demo's tokenizer: ids without a
 * word are never in a prompt. For measurements of time and memory, to which the weights' values do not matter.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensorsFolder } from '../artifacts/codecs/safetensors-folder.ts';
import { float32Tensor } from '../artifacts/codecs/tensor-values.ts';
import { Rng } from '../core/rng.ts';
import { readArchitecture } from '../policy/models/architecture.ts';
import type { ParameterSpec } from '../policy/models/parameters.ts';

const demo = fileURLToPath(new URL('../recipes/demo-config', import.meta.url));
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
const chatTemplate = '{% for message in messages %}{{ message.content }}{% endfor %}';

/** The fields of HuggingFaceTB/SmolLM2-135M-Instruct's config.json that determine the graph. */
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rope_theta: 100000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

export async function writeSmollm2(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of tokenizerFiles) await cp(join(demo, name), join(folder, name));
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  await writeFile(join(folder, 'chat_template.jinja'), chatTemplate);
  const { parameterSpecs } = readArchitecture(config, folder);
  const tensors = parameterSpecs.map((spec) => {
    const data = () => Promise.resolve(float32Tensor(valuesOf(spec), spec.shape).data);
    return [spec.name, { dtype: 'F32', shape: spec.shape, data }] as const;
  });
  await writeSafetensorsFolder(folder, 'model', new Map(tensors));
}

/** Normal with deviation 0.02, the same values again and again: 135 million draws would take a minute. */
const rng = new Rng('bench-smollm2');
const drawn = Float32Array.from({ length: 1 << 16 }, () => 0.02 * rng.normal());

function valuesOf({ role, shape }: ParameterSpec): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (role === 'scale') return values.fill(1);
  for (let at = 0; at < values.length; at += drawn.length) values.set(drawn.subarray(0, values.length - at), at);
  return values;
}
