/** Where words go: results to stdout, everything else to stderr; and what happens when they cannot be written. */
import { describeError, MtrlError } from '../../core/errors.ts';
import { terminalText } from './terminal-text.ts';

export { type Paint, paintFor, visibleLength } from './terminal-text.ts';

/** One line (or several) for the person who waits; never on stdout. */
export function say(text: string): void {
  process.stderr.write(`${terminalText(text)}\n`);
}

/** The result of a verb for a person. */
export function print(text: string): void {
  process.stdout.write(`${terminalText(text)}\n`);
}

/**
 * The result of a verb for a program: called once, and nothing else is written to stdout then. JSON escapes C0; of the
 * other control characters a terminal may obey DEL and C1, which are escaped here.
 */
export function printJson(value: unknown): void {
  process.stdout.write(`${terminalText(JSON.stringify(value, null, 2))}\n`);
}

/** As a shell reports a program that SIGPIPE ended. */
const closedPipeExitCode = 141;

/**
 * Ends the process when its output cannot be written: quietly where the reader has gone (`| head`), with one coded error
 * where the device is full or fails.
 */
export function exitOnOutputFailure(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(closedPipeExitCode);
      if (stream === process.stdout) say(describeError(outputFailure(error)));
      process.exit(1);
    });
  }
}

function outputFailure(error: Error): MtrlError {
  return new MtrlError('OUTPUT_FAILED', 'the output cannot be written', {
    where: 'stdout',
    found: error.message,
    hint: 'free space on the device or write elsewhere, then run the command again',
    cause: error,
  });
}

/** How a person calls a verb, in hints. */
export function commandText(...words: readonly string[]): string {
  return `npm run mtrl -- ${words.join(' ')}`;
}
