/**
 * Text on its way to a terminal. Text of data may hold control characters; they are escaped where text is written, so that
 * no row can colour, move or rename anything. Colours are marks until then, which data cannot forge.
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

/** C0 but tab and newline, DEL, C1, and what turns the direction of writing. */
const controlPattern = /(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Colours text for that stream, or leaves it alone (no terminal, NO_COLOR, FORCE_COLOR=0, TERM=dumb). */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return isColoured(stream, env) ? (colour, text) => `${mark(codes[colour])}${text}${mark(0)}` : (_, text) => text;
}

function isColoured({ isTTY = false }: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** What is written for `text`: control characters as `\u001b`, colours as the terminal's sequences. */
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

/** Characters that a terminal shows of `text` once it is written, colours left out. */
export function visibleLength(text: string): number {
  return shownLength(terminalText(text));
}

/** The same of text that is ready to be written. */
export function shownLength(text: string): number {
  return [...text.replace(sequencePattern, '')].length;
}

/** Data within one line: line breaks escaped, what is longer than `lengthMax` cut with the number of characters left out. */
export function excerpt(text: string, lengthMax: number): string {
  const characters = [...withoutControls(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))];
  if (characters.length <= lengthMax) return characters.join('');
  return `${characters.slice(0, lengthMax).join('')}… (${String(characters.length - lengthMax)} more)`;
}
