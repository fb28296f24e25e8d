/** Redraws lines at the bottom of a terminal in place, with one write per frame, so that nothing flickers. */
import { shownLength, terminalText } from './terminal-text.ts';

export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const escape = '\u001b';
const hideCursor = `${escape}[?25l`;
const showCursor = `${escape}[?25h`;
/** Synchronized output: terminals that support it show the frame at once, others ignore it. */
const beginFrame = `${escape}[?2026h`;
const endFrame = `${escape}[?2026l`;

export class Screen {
  readonly #terminal: Terminal;
  #shown: readonly string[] = [];
  #isClosed = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get columnCount(): number {
    return Math.max(20, this.#terminal.columns ?? 80);
  }

  /** Lines that fit in a frame: the cursor takes the last row, and lines that have scrolled out cannot be redrawn. */
  get rowCount(): number {
    return Math.max(2, (this.#terminal.rows ?? 25) - 1);
  }

  /** Draws a frame. Does nothing once closed, so that later output stays below the last frame. */
  draw(lines: readonly string[]): void {
    if (this.#isClosed) return;
    const cut = lines.map((line) => cutToWidth(terminalText(line.replaceAll('\n', ' ')), this.columnCount - 1));
    this.#terminal.write(
      beginFrame +
        hideCursor +
        this.#back() +
        cut.map((line) => `${line}${escape}[K\n`).join('') +
        `${escape}[J` +
        endFrame,
    );
    this.#shown = cut;
  }

  /** Stops drawing and leaves the last frame on the terminal. */
  close(): void {
    if (this.#shown.length > 0) this.#terminal.write(showCursor);
    this.#shown = [];
    this.#isClosed = true;
  }

  /**
   * Escape sequence that moves the cursor to the start of the last frame. Rows are counted at the current width, since
   * a narrower window has wrapped the drawn lines.
   */
  #back(): string {
    const rowCount = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(shownLength(line) / this.columnCount)),
      0,
    );
    return rowCount === 0 ? '' : `\r${escape}[${String(rowCount)}A`;
  }
}

const piecePattern = new RegExp(`${escape}\\[[0-9;]*m|[^]`, 'gu');

/** Truncates formatted text but not its colour codes; open colours are closed. */
export function cutToWidth(line: string, columnCount: number): string {
  if (shownLength(line) <= columnCount) return line;
  let width = 0;
  let cut = '';
  for (const [piece] of line.matchAll(piecePattern)) {
    if (!piece.startsWith(escape)) width++;
    if (width >= columnCount) break;
    cut += piece;
  }
  return `${cut}…${line.includes(escape) ? `${escape}[0m` : ''}`;
}
