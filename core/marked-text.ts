/**
 * Text with marks around the parts that come from a row; a tokenizer reads those parts as plain text, whatever they
 * contain. Between template and tokenizer, the marks are two Unicode noncharacters that the text does not contain.
 */
import { MtrlError } from './errors.ts';

/** [from, to) in UTF-16 code units. */
export type TextRange = readonly [from: number, to: number];

export interface MarkedText {
  readonly text: string;
  /** Ranges of row text, ascending and not empty. */
  readonly rows: readonly TextRange[];
}

export interface TextMarks {
  readonly open: string;
  readonly close: string;
}

export interface TextSegment {
  readonly text: string;
  readonly isRow: boolean;
}

/** U+FDD0 to U+FDEF: reserved for internal use by programs, so no writing system uses them. */
const noncharacters = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i));

/**
 * Finds two characters that none of the texts contains. Throws PROMPT_INVALID if the texts contain 31 or more of the 32
 * noncharacters.
 */
export function unusedMarks(texts: readonly string[]): TextMarks {
  const [open, close] = noncharacters.filter((mark) => !texts.some((text) => text.includes(mark)));
  if (open !== undefined && close !== undefined) return { open, close };
  throw new MtrlError('PROMPT_INVALID', 'a text uses nearly all noncharacters from U+FDD0 to U+FDEF', {
    hint: 'remove these characters from the row: no writing system uses them',
  });
}

/**
 * Wraps the row's text in marks. White space at both ends and combining characters at the start stay outside, so that
 * templates trim and normalizers compose as they would without marks.
 */
export function markRow(text: string, { open, close }: TextMarks): string {
  const rest = text.replace(/^[\s\p{M}]+/u, '');
  const core = rest.trimEnd();
  if (core === '') return text;
  const from = text.length - rest.length;
  return `${text.slice(0, from)}${open}${core}${close}${text.slice(from + core.length)}`;
}

export function markRows(text: MarkedText, marks: TextMarks): string {
  return segmentsOfMarked(text)
    .map((segment) => (segment.isRow ? markRow(segment.text, marks) : segment.text))
    .join('');
}

/**
 * Splits marked text into segments of row and template text, none empty. Throws PROMPT_INVALID if the marks are not
 * paired.
 */
export function segmentsOf(marked: string, { open, close }: TextMarks): TextSegment[] {
  const [first = '', ...others] = marked.split(open);
  const found: TextSegment[] = [{ text: first, isRow: false }];
  for (const other of others) {
    const [row = '', after, ...excess] = other.split(close);
    if (after === undefined || excess.length > 0) throw cutApart();
    found.push({ text: row, isRow: true }, { text: after, isRow: false });
  }
  if (first.includes(close)) throw cutApart();
  return found.filter(({ text }) => text !== '');
}

/** Like `segmentsOf`, from ranges instead of marks. */
export function segmentsOfMarked({ text, rows }: MarkedText): TextSegment[] {
  const found: TextSegment[] = [];
  let end = 0;
  for (const [from, to] of rows) {
    found.push({ text: text.slice(end, from), isRow: false }, { text: text.slice(from, to), isRow: true });
    end = to;
  }
  found.push({ text: text.slice(end), isRow: false });
  return found.filter(({ text: part }) => part !== '');
}

function cutApart(): MtrlError {
  return new MtrlError('PROMPT_INVALID', 'the chat template splits the text of a row', {
    hint: "use a chat template that inserts a message's text unchanged",
  });
}

/** Concatenates the segments. */
export function joinSegments(segments: readonly TextSegment[]): MarkedText {
  let text = '';
  const rows: TextRange[] = [];
  for (const segment of segments) {
    if (segment.isRow) rows.push([text.length, text.length + segment.text.length]);
    text += segment.text;
  }
  return { text, rows };
}

/** Trims white space at both ends, and clips the ranges to the rest. */
export function trimMarked({ text, rows }: MarkedText): MarkedText {
  const trimmed = text.trim();
  const from = text.length - text.trimStart().length;
  const inside = (at: number): number => Math.min(Math.max(at - from, 0), trimmed.length);
  const clipped = rows.map(([start, end]): TextRange => [inside(start), inside(end)]);
  return { text: trimmed, rows: clipped.filter(([start, end]) => start < end) };
}

/** Splits at every occurrence of the separator in template text; occurrences in row text are ignored. */
export function splitTemplate(segments: readonly TextSegment[], separator: string): TextSegment[][] {
  const pieces: TextSegment[][] = [[]];
  for (const segment of segments) {
    const parts = segment.isRow ? [segment.text] : segment.text.split(separator);
    for (const [i, text] of parts.entries()) {
      if (i > 0) pieces.push([]);
      pieces.at(-1)?.push({ text, isRow: segment.isRow });
    }
  }
  return pieces;
}
