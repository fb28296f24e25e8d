/**
 * Keeps added tokens (`<|im_end|>`, `<image>`) from being recognised in the text of rows. The tokenizer library looks
 * for them in all text; these wrappers let it find them only in the template's text. All later stages, from normalizer
 * to merges, see the text as if it were not split.
 */
import { segmentsOf, type TextMarks } from '../../core/marked-text.ts';

interface Splitter {
  split(text: string): string[];
}

/** The parts of the library's tokenizer that are used in encoding. */
export interface EncodingParts {
  splitter_unnormalized: Splitter;
  splitter_normalized: Splitter;
  pre_tokenizer: ((text: string, options: object) => string[]) | null;
  readonly added_tokens_map: ReadonlyMap<string, unknown>;
  readonly model: { unk_token?: string; encode(words: readonly string[]): string[] };
}

/** Wraps the parts: inside `within`, marked text of rows contains no added tokens. */
export class RowText {
  readonly #parts: EncodingParts;
  #marks: TextMarks | undefined;

  constructor(parts: EncodingParts) {
    this.#parts = parts;
    parts.splitter_unnormalized = this.#splitting(parts.splitter_unnormalized);
    parts.splitter_normalized = this.#splitting(parts.splitter_normalized);
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

  #splitting(splitter: Splitter): Splitter {
    return {
      split: (text) => {
        const marks = this.#marks;
        if (marks === undefined) return splitter.split(text);
        const sections: string[] = [];
        let open = '';
        for (const segment of segmentsOf(text, marks)) {
          if (segment.isRow) open += marks.open + segment.text + marks.close;
          else
            for (const part of splitter.split(segment.text)) {
              if (!this.#parts.added_tokens_map.has(part)) open += part;
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

  #withoutMarks(text: string): string {
    return this.#marks === undefined ? text : text.replaceAll(this.#marks.open, '').replaceAll(this.#marks.close, '');
  }

  /**
   * Whether text must not become this token: the model's vocabulary may contain added tokens as words, of which only
   * the unknown token is allowed.
   */
  #isForbidden(token: string): boolean {
    return token !== this.#parts.model.unk_token && this.#parts.added_tokens_map.has(token);
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
