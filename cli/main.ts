/** `mtrl`: a Temporal client and printer. Exit codes: 0 done, 1 failed, 2 wrong usage or recipe, 130 interrupted. */
import { Command, CommanderError } from 'commander';
import { describeError, exitCodeOf } from '../core/errors.ts';
import { Interrupted } from './follow.ts';
import { say } from './output.ts';
import { addCancel } from './verbs/cancel.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addDown } from './verbs/down.ts';
import { addEvaluate } from './verbs/evaluate.ts';
import { addExport } from './verbs/export.ts';
import { addIngest } from './verbs/ingest.ts';
import { addJudge } from './verbs/judge.ts';
import { addReport } from './verbs/report.ts';
import { addResume } from './verbs/resume.ts';
import { addRollouts } from './verbs/rollouts.ts';
import { addRun } from './verbs/run.ts';
import { addStatus } from './verbs/status.ts';
import { addUp } from './verbs/up.ts';
import { addVerify } from './verbs/verify.ts';
import { addWatch } from './verbs/watch.ts';

function program(): Command {
  const command = new Command('mtrl')
    .description('Trains one multimodal judge for many judging tasks, durably.')
    .exitOverride()
    .showHelpAfterError('(--help shows the verbs and their options)');
  for (const add of [
    addUp,
    addDown,
    addDoctor,
    addRun,
    addStatus,
    addWatch,
    addCancel,
    addResume,
    addReport,
    addRollouts,
    addVerify,
    addExport,
    addIngest,
    addEvaluate,
    addJudge,
  ])
    add(command);
  return command;
}

export async function main(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has told what is wrong; asked for help, it ends with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Interrupted) return 130;
    say(describeError(error));
    return exitCodeOf(error);
  }
}

process.exitCode = await main(process.argv.slice(2));
