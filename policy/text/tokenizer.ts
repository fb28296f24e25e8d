/** Converts text to token ids and back with a folder's `tokenizer.json`, like the Rust `tokenizers` library. */
import { join } from 'node:path';
import { Tokenizer as UntypedTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import type { TextMarks } from '../../core/marked-text.ts';
import { checkFields, readJsonFile, requireJsonFile } from '../checkpoint-file.ts';
import { type EncodingParts, RowText } from './row-text.ts';
import { readSpecialTokens, type SpecialTokenName, type SpecialTokens } from './special-tokens.ts';

/** The part of the library used here: its own declarations do not resolve under `nodenext`. */
interface HubTokenizer extends EncodingParts {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}
const HubTokenizer = UntypedTokenizer as unknown as new (description: unknown, config: object) => HubTokenizer;

/** Where token ids are listed: a vocabulary by token, or (unigram models) in order of id. */
const idsSchema = z.looseObject({
  model: z.looseObject({ vocab: z.union([z.record(z.string(), z.int()), z.array(z.unknown())]) }),
  added_tokens: z.array(z.looseObject({ id: z.int() })).default([]),
});

export class Tokenizer {
  /** Largest token id, added tokens included. */
  readonly idMax: number;
  readonly specialTokens: SpecialTokens;
  readonly #tokenizer: HubTokenizer;
  readonly #rowText: RowText;
  readonly #folder: string;

  /** Throws CHECKPOINT_INVALID. */
  static async load(folder: string): Promise<Tokenizer> {
    const description = await requireJsonFile(folder, 'tokenizer.json');
    const specialTokens = await readSpecialTokens(folder);
    const config = checkFields(
      z.looseObject({}),
      (await readJsonFile(folder, 'tokenizer_config.json')) ?? {},
      join(folder, 'tokenizer_config.json'),
    );
    return usable(folder, () => {
      // The library's word-level models take their unknown token from this config, not from tokenizer.json.
      const hub = new HubTokenizer(withUnicodeClasses(description), { ...config, ...specialTokens });
      const tokenizer = new Tokenizer(folder, hub, specialTokens, largestId(description, folder));
      // The library reads some parts only when it uses them.
      tokenizer.decode(tokenizer.encode('a b'));
      return tokenizer;
    });
  }

  private constructor(folder: string, tokenizer: HubTokenizer, specialTokens: SpecialTokens, idMax: number) {
    this.#folder = folder;
    this.idMax = idMax;
    this.#tokenizer = tokenizer;
    this.#rowText = new RowText(tokenizer);
    this.specialTokens = specialTokens;
  }

  /** Encodes text. Special tokens in it are recognised; none are added. */
  encode(text: string): number[] {
    return usable(this.#folder, () => this.#tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  /** Like `encode`, but text between marks is always plain text. */
  encodeMarked(text: string, marks: TextMarks): number[] {
    return this.#rowText.within(marks, () => this.encode(text));
  }

  /** Decodes token ids; special tokens are kept. */
  decode(tokenIds: readonly number[]): string {
    if (tokenIds.length === 0) return '';
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    return usable(this.#folder, () => this.#tokenizer.decode([...tokenIds], options));
  }

  idOf(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#tokenizer.id_to_token(id);
  }

  /** Throws CHECKPOINT_INVALID when the vocabulary lacks the token. */
  requireId(token: string): number {
    const id = this.idOf(token);
    if (id !== undefined) return id;
    throw new MtrlError('CHECKPOINT_INVALID', `the vocabulary has no token ${token}`, {
      where: join(this.#folder, 'tokenizer.json'),
    });
  }

  /** The id of a named token; undefined if the folder names none. */
  specialId(name: SpecialTokenName): number | undefined {
    const token = this.specialTokens[name];
    return token === undefined ? undefined : this.requireId(token);
  }
}

/** Throws CHECKPOINT_INVALID for what the library cannot do with the file. */
function usable<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof MtrlError) throw cause;
    throw new MtrlError('CHECKPOINT_INVALID', 'tokenizer.json cannot be used', {
      where: join(folder, 'tokenizer.json'),
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** The words of GPT-2: what `ByteLevel` cuts at by itself. */
const gpt2Words = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const isolated = (Regex: string): object => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
});

/**
 * Replaces pre-tokenizers of the library that take another class of characters than the Rust library: `Digits` cuts at
 * decimal digits only and not at every numeric character, such as ½ and ², and `ByteLevel` takes U+FEFF for white space
 * and U+0085 not.
 */
function withUnicodeClasses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnicodeClasses);
  if (typeof value !== 'object' || value === null) return value;
  const entry = value as Record<string, unknown>;
  if (entry['type'] === 'Digits') return isolated(entry['individual_digits'] === true ? '\\p{N}' : '\\p{N}+');
  // A space that it puts before the text comes before it cuts.
  if (entry['type'] === 'ByteLevel' && entry['use_regex'] !== false && entry['add_prefix_space'] === false)
    return { type: 'Sequence', pretokenizers: [isolated(gpt2Words), { ...entry, use_regex: false }] };
  const { pre_tokenizer: cut, pretokenizers: cuts } = entry;
  return {
    ...entry,
    ...(cut !== undefined && { pre_tokenizer: withUnicodeClasses(cut) }),
    ...(cuts !== undefined && { pretokenizers: withUnicodeClasses(cuts) }),
  };
}

function largestId(description: unknown, folder: string): number {
  const { model, added_tokens: added } = checkFields(idsSchema, description, join(folder, 'tokenizer.json'));
  const { vocab } = model;
  const base = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  return [...base, ...added.map(({ id }) => id)].reduce((largest, id) => Math.max(largest, id), -1);
}
