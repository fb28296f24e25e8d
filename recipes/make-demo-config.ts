/**
 * Writes `recipes/demo-config/`: a Hugging Face folder without weights for the demo's micro judge, an Idefics3 of
 * 0.6 million parameters for 32x32 images with a word-level tokenizer. `pretrain-demo` starts from it.
 *
 *   npx tsx recipes/make-demo-config.ts [folder]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { required } from '../core/assert.ts';
import { worldWords } from '../judge/worlds/vocabulary.ts';

const image = { token: '<image>', fake: '<fake_token_around_image>', global: '<global-img>' };
/** Idefics3Processor of transformers adds the last one to every tokenizer that lacks it. */
const specialTokens = [
  '<pad>',
  '<bos>',
  '<eos>',
  '<unk>',
  image.token,
  image.fake,
  image.global,
  '<assistant>',
  '<end_of_utterance>',
];
/** Single tokens, yet not special: `decode(skip_special_tokens=True)` must not drop a verdict. */
const tagTokens = ['<think>', '</think>', '<answer>', '</answer>'];

/** The words of recipes/cue-conflict.yaml. */
const cueConflictWords = (
  'this picture shows a an the people see most . ' +
  'airplane bear bicycle bird boat bottle car cat chair clock dog elephant keyboard knife oven truck'
).split(' ');

const words = [...new Set([...worldWords, ...cueConflictWords])].sort();
const tokens = [...specialTokens, ...tagTokens, ...words];
const vocabulary = new Map(tokens.map((token, id) => [token, id]));
const idOf = (token: string): number => required(vocabulary.get(token), token);
const [padId, bosId, eosId] = [idOf('<pad>'), idOf('<bos>'), idOf('<eos>')];

const imageSize = 32;
const patchSize = 4;
const scaleFactor = 2;
const tiedHead = true;
const endIds = { pad_token_id: padId, bos_token_id: bosId, eos_token_id: eosId };
const namedTokens = { pad_token: '<pad>', bos_token: '<bos>', eos_token: '<eos>', unk_token: '<unk>' };

const config = {
  architectures: ['Idefics3ForConditionalGeneration'],
  model_type: 'idefics3',
  image_token_id: idOf(image.token),
  scale_factor: scaleFactor,
  tie_word_embeddings: tiedHead,
  torch_dtype: 'float32',
  ...endIds,
  text_config: {
    model_type: 'llama',
    // A multiple of 8, because matrices of odd widths are slower; ids without a word are never sampled.
    vocab_size: Math.ceil(tokens.length / 8) * 8,
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    head_dim: 24,
    hidden_act: 'silu',
    max_position_embeddings: 256,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    rope_scaling: null,
    tie_word_embeddings: tiedHead,
    ...endIds,
  },
  vision_config: {
    model_type: 'idefics3_vision',
    hidden_size: 64,
    intermediate_size: 256,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_channels: 3,
    image_size: imageSize,
    patch_size: patchSize,
    hidden_act: 'gelu_pytorch_tanh',
    layer_norm_eps: 1e-6,
  },
};

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [...specialTokens, ...tagTokens].map((content) => ({
    id: idOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: specialTokens.includes(content),
  })),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: { type: 'WordLevel', vocab: Object.fromEntries(vocabulary), unk_token: '<unk>' },
};

const preprocessor = {
  image_processor_type: 'Idefics3ImageProcessor',
  do_convert_rgb: true,
  do_resize: true,
  size: { longest_edge: imageSize },
  resample: 1,
  do_image_splitting: false,
  max_image_size: { longest_edge: imageSize },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  do_pad: true,
};

const chatTemplate =
  '{{ bos_token }}{% for message in messages %}{% for part in message["content"] %}{{ " " }}' +
  '{% if part["type"] == "image" %}{{ "<image>" }}{% else %}{{ part["text"] }}{% endif %}' +
  '{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ " <assistant>" }}{% endif %}';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const files: Readonly<Record<string, string>> = {
  'config.json': json(config),
  'generation_config.json': json(endIds),
  'tokenizer.json': json(tokenizer),
  'tokenizer_config.json': json({
    tokenizer_class: 'PreTrainedTokenizerFast',
    processor_class: 'Idefics3Processor',
    ...namedTokens,
    additional_special_tokens: [image.fake, image.token, image.global, '<end_of_utterance>'],
    padding_side: 'left',
    model_max_length: config.text_config.max_position_embeddings,
    clean_up_tokenization_spaces: false,
  }),
  'special_tokens_map.json': json(namedTokens),
  'preprocessor_config.json': json(preprocessor),
  'processor_config.json': json({
    processor_class: 'Idefics3Processor',
    image_seq_len: (imageSize / patchSize / scaleFactor) ** 2,
  }),
  'chat_template.jinja': chatTemplate,
};

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'demo-config');
await mkdir(folder, { recursive: true });
for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
process.stdout.write(
  `${folder}: ${String(tokens.length)} tokens in a vocabulary of ${String(config.text_config.vocab_size)}\n`,
);
