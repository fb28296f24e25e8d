/** `npm start [-- --quick]`: starts the stack, runs the demo and prints its table. The stack stays up. */
import { Command, CommanderError } from 'commander';
import { join } from 'node:path';
import { describeError, exitCodeOf } from '../core/errors.ts';
import { projectRoot } from '../core/project.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import { requireFiles } from '../recipes/paths.ts';
import { startOrAttach } from './temporal/experiments.ts';
import { follow, sayGoesOn } from './show/follow.ts';
import { Interrupted } from './show/interrupted.ts';
import { indexOf } from './show/outcome.ts';
import { commandText, print, say } from './show/output.ts';
import { fetchReport } from './reports.ts';
import { uiLink, withStack } from './temporal/stack.ts';
import { printOutcome } from './verbs/experiments/run.ts';

async function start(recipeName: 'demo' | 'demo-quick'): Promise<void> {
  say(
    `mt-rl-judge: trains one small judge in three ways and measures how well each agrees with the labels (${recipeName}).`,
  );
  const { recipe, parsed, digest } = loadRecipeFile(join(projectRoot, 'recipes', `${recipeName}.yaml`), []);
  requireFiles(parsed);
  const experimentId = `${parsed.name}-${digest.slice(0, 8)}`;
  await withStack({ startMissing: true }, async (stack) => {
    const how = await startOrAttach(stack, { experimentId, recipe, parsed }, { failedAnew: true });
    const link = uiLink(stack.settings, experimentId);
    if (link !== undefined)
      say(`${how === 'started' ? 'started' : 'attached to'} ${experimentId}; in the Temporal Web UI: ${link}`);
    const result = await follow(stack, experimentId).catch((error: unknown) => {
      if (error instanceof Interrupted) sayGoesOn(experimentId);
      throw error;
    });
    printOutcome(await indexOf(stack, result), await fetchReport(stack, experimentId, result.report));
    if (link !== undefined) print(`Web UI ${link}`);
    if (stack.settings.s3.consoleUrl !== undefined) print(`store  ${stack.settings.s3.consoleUrl}`);
    print(
      `\nThe stack keeps running; \`${commandText('down')}\` stops it. \`${commandText('rollouts', experimentId)}\` shows the judge's answers.`,
    );
  });
}

async function main(): Promise<number> {
  try {
    const command = new Command('npm start --').option('--quick', 'a shorter demo').exitOverride();
    const { quick = false } = command.parse().opts<{ quick?: boolean }>();
    await start(quick ? 'demo-quick' : 'demo');
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Interrupted) return 130;
    say(describeError(error));
    return exitCodeOf(error);
  }
}

process.exitCode = await main();
