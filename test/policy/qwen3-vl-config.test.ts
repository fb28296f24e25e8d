import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readArchitecture } from '../../policy/models/architecture.ts';
import { qwen3VlFolder } from '../support/qwen3-vl-fixture.ts';
import { expectRefused } from '../support/refusal.ts';

type Fields = Readonly<Record<string, unknown>>;
type Config = Fields & { readonly text_config: Fields; readonly vision_config: Fields };

const config = JSON.parse(readFileSync(join(qwen3VlFolder('untied'), 'config.json'), 'utf8')) as Config;

/** The config of Qwen3-VL-2B-Instruct as published: written by transformers 4, unused fields included. */
const published = {
  architectures: ['Qwen3VLForConditionalGeneration'],
  image_token_id: 151655,
  model_type: 'qwen3_vl',
  text_config: {
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 151643,
    dtype: 'bfloat16',
    eos_token_id: 151645,
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 2048,
    initializer_range: 0.02,
    intermediate_size: 6144,
    max_position_embeddings: 262144,
    model_type: 'qwen3_vl_text',
    num_attention_heads: 16,
    num_hidden_layers: 28,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: 'default' },
    rope_theta: 5000000,
    tie_word_embeddings: true,
    use_cache: true,
    vocab_size: 151936,
  },
  tie_word_embeddings: true,
  transformers_version: '4.57.0.dev0',
  video_token_id: 151656,
  vision_config: {
    deepstack_visual_indexes: [5, 11, 17],
    depth: 24,
    hidden_act: 'gelu_pytorch_tanh',
    hidden_size: 1024,
    in_channels: 3,
    initializer_range: 0.02,
    intermediate_size: 4096,
    model_type: 'qwen3_vl',
    num_heads: 16,
    num_position_embeddings: 2304,
    out_hidden_size: 2048,
    patch_size: 16,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
  },
  vision_end_token_id: 151653,
  vision_start_token_id: 151652,
};

test('reads a published config, with the axis of every pair of a head', () => {
  const { text, parameterSpecs, partOf } = readArchitecture(published, 'config.json');
  expect(text).toMatchObject({ tiedHead: true, headSize: 128, rope: { type: 'default', theta: 5000000 } });
  const countOf = (axis: string): number => (text.ropeAxes ?? []).filter((one) => one === axis).length;
  expect(['time', 'row', 'column'].map(countOf)).toEqual([24, 20, 20]);
  expect(text.ropeAxes?.slice(57)).toEqual(['time', 'row', 'column', 'time', 'time', 'time', 'time']);
  expect(parameterSpecs.filter(({ name }) => name.includes('deepstack_merger_list')).length).toBe(18);
  expect([partOf('model.visual.merger.norm.bias'), partOf('model.visual.blocks.3.norm1.bias')]).toEqual([
    'connector',
    'vision',
  ]);
});

test('the outer field determines whether the head is tied, as in transformers', () => {
  const changed = {
    ...config,
    tie_word_embeddings: false,
    text_config: { ...config.text_config, tie_word_embeddings: true },
  };
  expect(readArchitecture(changed, 'config.json').text.tiedHead).toBe(false);
});

describe('refuses fields by name that change the maths and are not implemented', () => {
  const rope = (more: object): object => ({ rope_type: 'default', mrope_section: [4, 2, 2], ...more });
  test.each<['text_config' | 'vision_config', string, unknown]>([
    ['text_config', 'rope_parameters', rope({ rope_type: 'yarn', factor: 4 })],
    ['text_config', 'rope_parameters', rope({ mrope_interleaved: false })],
    ['text_config', 'rope_parameters', rope({ mrope_section: [4, 4] })],
    ['text_config', 'rope_parameters', rope({ partial_rotary_factor: 0.5 })],
    ['text_config', 'sliding_window_pattern', 4],
    ['text_config', 'hidden_act', 'gelu'],
    ['text_config', 'attention_dropout', 0.1],
    ['text_config', 'num_experts', 8],
    ['text_config', 'model_type', 'qwen3_vl_moe_text'],
    ['text_config', 'model_type', 'qwen3'],
    ['vision_config', 'model_type', 'siglip_vision_model'],
    ['vision_config', 'hidden_act', 'silu'],
    ['vision_config', 'rope_parameters', { rope_type: 'default', rope_theta: 10000 }],
    ['vision_config', 'patch_size', [4, 4]],
    ['vision_config', 'in_channels', 1],
    ['vision_config', 'window_size', 8],
    ['vision_config', 'out_hidden_size', 32],
    ['vision_config', 'num_position_embeddings', 24],
    ['vision_config', 'deepstack_visual_indexes', [2, 0]],
    ['vision_config', 'deepstack_visual_indexes', [0, 3]],
  ])('%s.%s = %j', (part, field, value) => {
    const changed = { ...config, [part]: { ...config[part], [field]: value } };
    expectRefused(changed, `${part}.${field}`);
  });

  test.each([
    ['quantization_config', { quant_method: 'fp8' }],
    ['model_type', 'qwen3_vl_moe'],
  ])('%s = %j', (field, value) => {
    expectRefused({ ...config, [field]: value }, field);
  });
});
