/**
 * Tokenizer files in Hugging Face layout from the metadata of a GGUF file: tokens, merges, special tokens, the chat
 * template. A GGUF file does not hold how text is cut into words before merging; it names the way (`tokenizer.ggml.pre`).
 */
import { MtrlError } from '../../../core/errors.ts';
import type { GgufMetadata } from './metadata.ts';
import { mergesOf } from './merges.ts';
import { type WordCutting, wordCuttings } from './word-cutting.ts';

/** Values of `tokenizer.ggml.token_type`. */
const tokenType = { control: 3, userDefined: 4, unused: 5 };

/** Content of the files by name. @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID; both name the key */
export function tokenizerFiles(metadata: GgufMetadata, rowCount: number): Readonly<Record<string, unknown>> {
  const tokens = metadata.required('tokenizer.ggml.tokens', metadata.texts('tokenizer.ggml.tokens'));
  if (tokens.length > rowCount)
    throw new MtrlError('CHECKPOINT_INVALID', 'the tokenizer in the GGUF file does not fit its embedding', {
      where: metadata.where,
      found: `${tokens.length} tokens for ${rowCount} rows of token_embd.weight`,
    });
  const types = metadata.numbers('tokenizer.ggml.token_type') ?? [];
  const named = (name: string): string | undefined => {
    const id = metadata.number(`tokenizer.ggml.${name}_token_id`);
    return id === undefined ? undefined : tokens[id];
  };
  const special = {
    ...{ bos_token: named('bos'), eos_token: named('eos') },
    ...{ unk_token: named('unknown'), pad_token: named('padding') },
  };
  const isAdded = (type: number | undefined): boolean => type === tokenType.control || type === tokenType.userDefined;
  const added = tokens.flatMap((content, id) => {
    if (!isAdded(types[id])) return [];
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...flags, special: types[id] === tokenType.control }];
  });
  const kept = tokens.flatMap((content, id) => (types[id] === tokenType.unused ? [] : [[content, id] as const]));
  const cutting = cuttingOf(metadata);
  const addsStart = metadata.flag('tokenizer.ggml.add_bos_token') ?? cutting.addsStart;
  const template = metadata.text('tokenizer.chat_template');
  const stopIds = ['eos', 'eot'].flatMap((name) => metadata.number(`tokenizer.ggml.${name}_token_id`) ?? []);
  return {
    'tokenizer.json': {
      ...{ version: '1.0', truncation: null, padding: null, added_tokens: added },
      normalizer: cutting.normalizer(metadata),
      pre_tokenizer: cutting.preTokenizer,
      post_processor: addsStart && special.bos_token !== undefined ? startingWith(special.bos_token, tokens) : null,
      decoder: cutting.decoder(metadata),
      model: {
        ...{ type: 'BPE', dropout: null, unk_token: cutting.byteFallback ? (special.unk_token ?? null) : null },
        ...{ continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: cutting.byteFallback },
        ...{ byte_fallback: cutting.byteFallback, ignore_merges: cutting.ignoresMerges },
        ...{ vocab: Object.fromEntries(kept), merges: mergesOf(metadata, tokens) },
      },
    },
    'tokenizer_config.json': {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false, ...special },
      ...(template === undefined ? {} : { chat_template: template }),
    },
    'generation_config.json': { eos_token_id: stopIds.length === 1 ? stopIds[0] : stopIds },
  };
}

function cuttingOf(metadata: GgufMetadata): WordCutting {
  const model = metadata.required('tokenizer.ggml.model', metadata.text('tokenizer.ggml.model'));
  const name = model === 'gpt2' ? `gpt2 cut as ${metadata.text('tokenizer.ggml.pre') ?? 'default'}` : model;
  const found = wordCuttings.get(name);
  if (found !== undefined) return found;
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'the tokenizer of the GGUF file cannot be opened', {
    where: metadata.where,
    found: `${name} (tokenizer.ggml.model, and tokenizer.ggml.pre for gpt2)`,
    hint: `supported: ${[...wordCuttings.keys()].join(', ')}; else use the model's folder in Hugging Face layout`,
  });
}

/** The post-processor that puts the start token before a text where special tokens are asked for. */
function startingWith(token: string, tokens: readonly string[]) {
  const ids = { [token]: { id: token, ids: [tokens.indexOf(token)], tokens: [token] } };
  const start = { SpecialToken: { id: token, type_id: 0 } };
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  return {
    type: 'TemplateProcessing',
    single: [start, sequence('A', 0)],
    pair: [start, sequence('A', 0), sequence('B', 1)],
    special_tokens: ids,
  };
}
