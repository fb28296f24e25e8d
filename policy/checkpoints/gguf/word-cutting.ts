/**
 * How tokenizers cut text before merging, by the names that GGUF files give it: the parts of tokenizer.json that the
 * published tokenizers of these names have.
 */
import type { GgufMetadata } from './metadata.ts';

export interface WordCutting {
  readonly normalizer: (metadata: GgufMetadata) => unknown;
  readonly preTokenizer: unknown;
  readonly decoder: (metadata: GgufMetadata) => unknown;
  /** A word that is a token is taken whole, whatever the merges. */
  readonly ignoresMerges: boolean;
  /** Characters without a token become tokens of bytes (SentencePiece); byte-level tokenizers have none such. */
  readonly byteFallback: boolean;
  /** Whether a start token stands before a text, if the file does not say. */
  readonly addsStart: boolean;
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bytes = { ...byteLevel, use_regex: false };
const nothing = (): null => null;
const common = { normalizer: nothing, ignoresMerges: false, byteFallback: false, addsStart: false };

/** Numbers in groups of at most that many digits. */
const words = (digitCountMax: 1 | 3): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${digitCountMax === 1 ? '' : '{1,3}'}` +
  '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

function byteLevelAfter(...parts: readonly object[]): Pick<WordCutting, 'preTokenizer' | 'decoder'> {
  return { preTokenizer: { type: 'Sequence', pretokenizers: parts }, decoder: () => byteLevel };
}

const split = (pattern: string): object => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});

const gpt2: WordCutting = { ...common, preTokenizer: byteLevel, decoder: () => byteLevel };
const smollm: WordCutting = { ...common, ...byteLevelAfter({ type: 'Digits', individual_digits: true }, byteLevel) };
const llama3: WordCutting = {
  ...common,
  ...byteLevelAfter(split(words(3)), bytes),
  ignoresMerges: true,
  addsStart: true,
};
const qwen2: WordCutting = {
  ...common,
  ...byteLevelAfter(split(words(1)), bytes),
  normalizer: () => ({ type: 'NFC' }),
};

/** SentencePiece: spaces become ▁, and text is one word. */
const sentencePiece: WordCutting = {
  normalizer: (metadata) => ({
    type: 'Sequence',
    normalizers: [
      ...(addsSpace(metadata) ? [{ type: 'Prepend', prepend: '▁' }] : []),
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  }),
  preTokenizer: null,
  decoder: (metadata) => ({
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      ...(addsSpace(metadata) ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
    ],
  }),
  ignoresMerges: false,
  byteFallback: true,
  addsStart: true,
};

function addsSpace(metadata: GgufMetadata): boolean {
  return metadata.flag('tokenizer.ggml.add_space_prefix') ?? true;
}

export const wordCuttings: ReadonlyMap<string, WordCutting> = new Map([
  ['gpt2 cut as gpt-2', gpt2],
  ['gpt2 cut as smollm', smollm],
  ['gpt2 cut as llama-bpe', llama3],
  ['gpt2 cut as qwen2', qwen2],
  ['llama', sentencePiece],
]);
