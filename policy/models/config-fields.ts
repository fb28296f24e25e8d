/**
 * Strict reading of `config.json`: a field that changes the computation and is not implemented is rejected by name.
 * Fields known to have no effect are listed; any other unknown field is rejected too.
 */
import type { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';

/** Fields without effect of `PretrainedConfig` (transformers 4 and 5): names, token ids, options of other libraries. */
const harmlessFields = new Set(
  `_name_or_path _attn_implementation_autoset _flash_attn_2_enabled add_cross_attention architectures bad_words_ids
  begin_suppress_tokens bos_token_id chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id
  diversity_penalty do_sample dtype early_stopping encoder_no_repeat_ngram_size eos_token_id
  exponential_decay_length_penalty finetuning_task forced_bos_token_id forced_eos_token_id id2label initializer_range
  is_decoder is_encoder_decoder is_llama_config label2id length_penalty max_length min_length no_repeat_ngram_size
  num_beam_groups num_beams num_return_sequences output_attentions output_hidden_states output_scores pad_token_id
  prefix pretraining_tp problem_type pruned_heads remove_invalid_values repetition_penalty return_dict
  return_dict_in_generate sep_token_id suppress_tokens task_specific_params temperature tf_legacy_loss
  tie_encoder_decoder tokenizer_class top_k top_p torch_dtype torchscript transformers.js_config transformers_version
  typical_p unk_token_id use_bfloat16 use_cache`.split(/\s+/),
);

/** Further fields without effect, which trainers and Hub repositories add. Code that `auto_map` names is never run. */
const addedFields = new Set(
  '_attn_implementation _model_name_or_path auto_map keys_to_ignore_at_inference unsloth_fixed unsloth_version'.split(
    ' ',
  ),
);

/** Fields that change the computation unless they are false or null. */
const fieldsThatAreOff = new Set('output_router_logits quantization_config rope_interleaved use_mrope'.split(' '));

export interface FieldsPlace {
  /** Path of the file. */
  readonly where: string;
  /** Path of the enclosing field, such as `text_config`; absent at the top level. */
  readonly path?: string;
  /** Further fields without effect. */
  readonly harmless?: readonly string[];
}

/** @throws CHECKPOINT_UNSUPPORTED naming the field and the supported values; CHECKPOINT_INVALID if not an object */
export function readFields<T>(schema: z.ZodType<T>, value: unknown, place: FieldsPlace): T {
  const known = withoutHarmless(value, place.harmless ?? []);
  const first = schema.safeParse(known);
  const parsed = first.success ? first : schema.safeParse(withoutNulls(known, first.error));
  if (parsed.success) return parsed.data;
  const { where, path } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MtrlError('CHECKPOINT_INVALID', `config.json: ${path ?? 'the file'} must be an object`, { where });
  const issue = parsed.error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(path === undefined ? [] : [path]), ...(issue?.path ?? []), ...unknown].join('.');
  const reason =
    unknown.length > 0 ? 'the field is unknown and may change what the model computes' : (issue?.message ?? 'is wrong');
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', `config.json: ${field}: ${reason}`, {
    where,
    found: valueText(valueAt(value, [...(issue?.path ?? []), ...unknown])),
    hint: 'docs/models.md lists the architectures and fields that are supported',
  });
}

/** @throws CHECKPOINT_INVALID */
export function requireMultiple(where: string, field: string, value: number, byField: string, by: number): void {
  if (value % by === 0) return;
  throw new MtrlError('CHECKPOINT_INVALID', `config.json: ${field} ${value} is not a multiple of ${byField} ${by}`, {
    where,
  });
}

function withoutHarmless(value: unknown, more: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      ([name, content]) =>
        !harmlessFields.has(name) &&
        !addedFields.has(name) &&
        !more.includes(name) &&
        !(fieldsThatAreOff.has(name) && (content === false || content === null)),
    ),
  );
}

/** Without unknown fields that are null, which say that the model does not have what they are about. */
function withoutNulls(value: unknown, { issues }: z.ZodError): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
  );
  return Object.fromEntries(
    Object.entries(value).filter(([name, content]) => content !== null || !unknown.includes(name)),
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

function valueText(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
