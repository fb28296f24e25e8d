/**
 * Records of CSV text, by the rules of Python's csv module, which pandas shares: a line ends at LF, CR or CRLF, each by
 * itself; a quote counts at the start of a value alone; text after the closing quote belongs to the value.
 */
import { lineByteLengthMax } from '../sources/lines.ts';

export interface CsvRecord {
  readonly values: readonly string[];
  /** 1-based line that the record ends on. */
  readonly line: number;
}

const [quote, lineFeed, carriageReturn] = [0x22, 0x0a, 0x0d];

type State = 'value-start' | 'plain' | 'quoted' | 'quote-in-quoted';

class CsvParser {
  readonly #delimiter: number;
  #state: State = 'value-start';
  #values: string[] = [];
  #value = '';
  #length = 0;
  #line = 1;
  #isAfterReturn = false;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The records that end in this piece of the text. Throws a plain Error for a record that is too long. */
  *records(text: string): Generator<CsvRecord> {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const isPairEnd = code === lineFeed && this.#isAfterReturn;
      this.#isAfterReturn = code === carriageReturn;
      const isLineEnd = code === lineFeed || code === carriageReturn;
      if (this.#state === 'quoted') {
        if (isLineEnd && !isPairEnd) this.#line++;
        if (code !== quote) continue;
        this.#take(text, start, at);
        this.#state = 'quote-in-quoted';
        start = at + 1;
      } else if (isLineEnd) {
        // the second half of a CRLF
        if (!isPairEnd) {
          this.#take(text, start, at);
          yield* this.#ended();
          this.#line++;
        }
        start = at + 1;
      } else if (code === this.#delimiter) {
        this.#take(text, start, at);
        this.#endValue();
        start = at + 1;
      } else if (code === quote && this.#state !== 'plain') {
        // A doubled quote is one quote: what follows starts with it.
        start = this.#state === 'quote-in-quoted' ? at : at + 1;
        this.#state = 'quoted';
      } else this.#state = 'plain';
    }
    this.#take(text, start, text.length);
  }

  /** The last record, if the text does not end with a line end. Throws a plain Error for a quote that never ends. */
  *end(): Generator<CsvRecord> {
    if (this.#state === 'quoted') throw new Error(`a quote never ends, in the record that ends on line ${this.#line}`);
    yield* this.#ended();
  }

  #take(text: string, start: number, end: number): void {
    this.#value += text.slice(start, end);
    this.#length += end - start;
    if (this.#length > lineByteLengthMax)
      throw new Error(`the record on line ${this.#line} is longer than ${lineByteLengthMax} characters`);
  }

  #endValue(): void {
    this.#values.push(this.#value);
    this.#value = '';
    this.#state = 'value-start';
  }

  /** The record, unless the line is blank. */
  *#ended(): Generator<CsvRecord> {
    const isBlank = this.#values.length === 0 && this.#state !== 'quote-in-quoted' && this.#value.trim() === '';
    this.#endValue();
    const values = this.#values;
    this.#values = [];
    this.#length = 0;
    if (!isBlank) yield { values, line: this.#line };
  }
}

/** Throws a plain Error for a record that is too long, and for a quote that never ends. */
export async function* csvRecords(pieces: AsyncIterable<string>, delimiter: string): AsyncGenerator<CsvRecord> {
  const parser = new CsvParser(delimiter);
  for await (const piece of pieces) yield* parser.records(piece);
  yield* parser.end();
}
