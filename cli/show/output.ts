/** Output of the command line: results go to stdout, everything else to stderr; handles failed writes. */
import { describeError, MtrlError } from '../../core/errors.ts';
import { terminalText } from './terminal-text.ts';

export { type Paint, paintFor, visibleLength } from './terminal-text.ts';

/** Prints a message for the user, one line or several, to stderr. */
export function say(text: string): void {
  process.stderr.write(`${terminalText(text)}\n`);
}

/** Prints the result of a verb as text to stdout. */
export function print(text: string): void {
  process.stdout.write(`${terminalText(text)}\n`);
}

/**
 * Prints the result of a verb as JSON to stdout; called once, and nothing else is written to stdout then. JSON escapes
 * C0; of the other control characters, a terminal may interpret DEL and C1, which are escaped here.
 */
export function printJson(value: unknown): void {
  process.stdout.write(`${terminalText(JSON.stringify(value, null, 2))}\n`);
}

/** Exit code that a shell reports for a program killed by SIGPIPE. */
const closedPipeExitCode = 141;

/**
 * Ends the process if its output cannot be written: silently if the reader has closed the pipe (`| head`), with one
 * coded error if the device is full or fails.
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

/** Command line of a verb, for hints. */
export function commandText(...words: readonly string[]): string {
  return `npm run mtrl -- ${words.join(' ')}`;
}
