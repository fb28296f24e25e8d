/** The `mtrl` command. Exit codes: 0 done, 1 failed, 2 wrong usage or recipe, 130 interrupted, 141 closed pipe. */
import { CommanderError } from 'commander';
import { codedFileError } from '../artifacts/store/file-error.ts';
import { describeError, exitCodeOf } from '../core/errors.ts';
import { Interrupted } from './show/interrupted.ts';
import { exitOnOutputFailure, say } from './show/output.ts';
import { programFor } from './program.ts';

export async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await programFor(args);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has already printed the problem; after --help it exits with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Interrupted) return 130;
    const coded = codedFileError(error);
    say(describeError(coded));
    return exitCodeOf(coded);
  }
}

exitOnOutputFailure();
process.exitCode = await main(process.argv.slice(2));
