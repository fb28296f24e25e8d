/** Where words go: results to stdout, everything else to stderr, colours only for a terminal that wants them. */

/** One line (or several) for the person who waits; never on stdout. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The result of a verb for a person. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The result of a verb for a program: called once, and nothing else is written to stdout then. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Colour = keyof typeof codes;
export type Paint = (colour: Colour, text: string) => string;

/** Colours text for that stream, or leaves it alone (no terminal, NO_COLOR, TERM=dumb). */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const isColoured =
    env['FORCE_COLOR'] !== undefined ||
    (stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb');
  return isColoured ? (colour, text) => `\u001b[${String(codes[colour])}m${text}\u001b[0m` : (_, text) => text;
}

/** Characters that a terminal shows, colours left out. */
export function visibleLength(text: string): number {
  return [...text.replace(escapeSequence, '')].length;
}

const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** How a person calls a verb, in hints. */
export function commandText(...words: readonly string[]): string {
  return `npm run mtrl -- ${words.join(' ')}`;
}
