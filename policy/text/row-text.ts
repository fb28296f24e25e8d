/**
 * Keeps added tokens that steer a model (`<|im_end|>`, `<image>`) from being recognised in the text of rows. The
 * tokenizer library looks for them in all text; these wrappers let it find them only in the template's text. All later
 * stages, from normalizer to merges, see the text as if it were not split. Added tokens that are plain text, such as
 * GPT-NeoX's runs of spaces, are found in rows too: models were trained on them.
 */
import { segmentsOf, type TextMarks } from '../../core/marked-text.ts';
import { joinTouched } from './single-words.ts';

interface Splitter {
  split(text: string): string[];
}
type SplitterClass = new (words: readonly string[]) => Splitter;

interface AddedToken {
  readonly special: boolean;
  /** Found after normalization instead of before. */
  readonly normalized: boolean | null;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** Characters of which marks are made, also by tokenizers that do not call them special. */
const markCharacter = /[<>[\]|]/;

function isPlainText(content: string, { special, single_word, lstrip, rstrip }: AddedToken): boolean {
  return !special && !single_word && !lstrip && !rstrip && !markCharacter.test(content);
}

/** The parts of the library's tokenizer that are used in encoding. */
export interface EncodingParts {
  splitter_unnormalized: Splitter;
  splitter_normalized: Splitter;
  pre_tokenizer: ((text: string, options: object) => string[]) | null;
  readonly added_tokens_map: ReadonlyMap<string, AddedToken>;
  readonly model: { unk_token?: string; encode(words: readonly string[]): string[] };
}

/** Wraps the parts: inside `within`, marked text of rows contains no added tokens but those that are plain text. */
export class RowText {
  readonly #parts: EncodingParts;
  readonly #plain: ReadonlyMap<string, AddedToken>;
  #marks: TextMarks | undefined;

  constructor(parts: EncodingParts) {
    this.#parts = parts;
    this.#plain = new Map([...parts.added_tokens_map].filter(([content, token]) => isPlainText(content, token)));
    parts.splitter_unnormalized = this.#splitting(parts.splitter_unnormalized, false);
    parts.splitter_normalized = this.#splitting(parts.splitter_normalized, true);
    const { pre_tokenizer: preTokenizer, model } = parts;
    parts.pre_tokenizer = (text, options) => {
      const plain = this.#withoutMarks(text);
      return preTokenizer === null ? [plain] : preTokenizer(plain, options);
    };
    const encode = model.encode.bind(model);
    model.encode = (words) => {
      const tokens = encode(words);
      if (this.#marks === undefined || !tokens.some((token) => this.#isForbidden(token))) return tokens;
      return words.flatMap((word) => this.#spelled(word, encode));
    };
  }

  /** Runs `encode` over text with these marks. */
  within<T>(marks: TextMarks, encode: () => T): T {
    this.#marks = marks;
    try {
      return encode();
    } finally {
      this.#marks = undefined;
    }
  }

  #splitting(splitter: Splitter, isNormalized: boolean): Splitter {
    const plain = [...this.#plain].filter(([, { normalized }]) => (normalized ?? false) === isNormalized);
    const ofRows = new (splitter.constructor as SplitterClass)(plain.map(([content]) => content));
    return {
      split: (text) => {
        const marks = this.#marks;
        if (marks === undefined) return [...this.#joined(splitter.split(text))];
        const sections: string[] = [];
        const segments = segmentsOf(text, marks);
        let open = '';
        for (const [i, { text: segment, isRow }] of segments.entries()) {
          const tokens = isRow ? this.#plain : this.#parts.added_tokens_map;
          const parts = (isRow ? ofRows : splitter).split(segment);
          const around = [segments[i - 1]?.text ?? '', segments[i + 1]?.text ?? ''] as const;
          for (const part of isRow ? parts : this.#joined(parts, around)) {
            if (!tokens.has(part)) open += isRow ? marks.open + part + marks.close : part;
            else {
              if (open !== '') sections.push(open);
              sections.push(part);
              open = '';
            }
          }
        }
        return open === '' ? sections : [...sections, open];
      },
    };
  }

  #joined(parts: readonly string[], around?: readonly [string, string]): readonly string[] {
    const { added_tokens_map: added } = this.#parts;
    const isSingleWord = (part: string): boolean => added.get(part)?.single_word === true;
    return joinTouched(parts, isSingleWord, (part) => added.has(part), around);
  }

  #withoutMarks(text: string): string {
    return this.#marks === undefined ? text : text.replaceAll(this.#marks.open, '').replaceAll(this.#marks.close, '');
  }

  /**
   * Whether text must not become this token: the model's vocabulary may contain added tokens as words, of which only
   * the unknown token and plain text are allowed.
   */
  #isForbidden(token: string): boolean {
    const { added_tokens_map: added, model } = this.#parts;
    return token !== model.unk_token && added.has(token) && !this.#plain.has(token);
  }

  #spelled(word: string, encode: (words: readonly string[]) => string[]): string[] {
    const whole = encode([word]);
    if (!whole.some((token) => this.#isForbidden(token))) return whole;
    const { unk_token: unknown } = this.#parts.model;
    return Array.from(word).flatMap((character) =>
      encode([character]).flatMap((token) =>
        this.#isForbidden(token) ? (unknown === undefined ? [] : [unknown]) : [token],
      ),
    );
  }
}
