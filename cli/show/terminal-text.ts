/**
 * Text for a terminal. Data may contain control characters; they are escaped when text is written, so that no row can
 * change colours, move the cursor or rename the window. Until then colours are marks, which data cannot forge.
 */
import { randomBytes } from 'node:crypto';

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Colour = keyof typeof codes;
export type Paint = (colour: Colour, text: string) => string;

const secret = randomBytes(8).toString('hex');
const escape = '\u001b';
const mark = (code: number): string => `${escape}<${secret}:${String(code)}>`;
const markPattern = new RegExp(`${escape}<${secret}:(\\d+)>`, 'g');
const sequencePattern = new RegExp(`${escape}\\[[0-9;?]*[A-Za-z]`, 'g');

/** C0 except tab and newline, DEL, C1, and characters that change the writing direction. */
const controlPattern = /(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Returns a function that colours text for the stream, or leaves it unchanged (no terminal, NO_COLOR, FORCE_COLOR=0,
 * TERM=dumb).
 */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return isColoured(stream, env) ? (colour, text) => `${mark(codes[colour])}${text}${mark(0)}` : (_, text) => text;
}

function isColoured({ isTTY = false }: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** The text to write for `text`: control characters as `\u001b`, colours as terminal sequences. */
export function terminalText(text: string): string {
  let shown = '';
  let end = 0;
  for (const { 0: found, 1: code, index } of text.matchAll(markPattern)) {
    shown += `${withoutControls(text.slice(end, index))}${escape}[${String(code)}m`;
    end = index + found.length;
  }
  return shown + withoutControls(text.slice(end));
}

function withoutControls(text: string): string {
  return text.replace(controlPattern, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Number of characters that a terminal shows for `text`, without colours. */
export function visibleLength(text: string): number {
  return shownLength(terminalText(text));
}

/** The same for the result of `terminalText`. */
export function shownLength(text: string): number {
  return [...text.replace(sequencePattern, '')].length;
}

/** Text on one line: line breaks escaped, cut after `lengthMax` characters with the number of characters left out. */
export function excerpt(text: string, lengthMax: number): string {
  const characters = [...withoutControls(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))];
  if (characters.length <= lengthMax) return characters.join('');
  return `${characters.slice(0, lengthMax).join('')}… (${String(characters.length - lengthMax)} more)`;
}
