import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { trainedArms } from '../../../recipes/arms.ts';
import { changedRecipe } from '../../../recipes/load.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { requireExperimentId, startOrAttach } from '../../temporal/experiments.ts';
import { originOf, planFork } from '../../origin.ts';
import { say } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';
import { repeated } from '../../repeated.ts';
import { newExperimentId, showStarted } from './run.ts';

interface ForkOptions {
  readonly fromStep: number;
  readonly arm?: string;
  readonly set: readonly string[];
  readonly id?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addFork(command: Command): void {
  command
    .argument('<id>', 'the experiment to fork')
    .requiredOption('--from-step <k>', 'the first step with the new settings (0-based)', wholeNumber)
    .option('--arm <arm>', 'the arm that changes; required unless --set or the recipe leaves only one')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--id <name>', 'id of the new experiment')
    .option('--wait', 'show progress until it ends')
    .option('--json', 'one JSON document on stdout')
    .action(fork);
}

async function fork(originId: string, options: ForkOptions): Promise<void> {
  await withStack({ startMissing: true }, async (stack) => {
    const origin = await originOf(stack, originId);
    const { recipe, parsed, digest } = changedRecipe(origin.recipe, options.set);
    const arm = options.arm ?? theArm(parsed, options.set);
    const experimentId = requireExperimentId(options.id ?? newExperimentId(parsed.name, digest));
    const plan = await planFork(stack, experimentId, {
      ...{ experimentId: originId, arm, fromStep: options.fromStep, recipe },
      ...(origin.underWay && { origin: origin.underWay }),
    });
    for (const { runName, step } of plan.runs) say(`${runName}: steps before ${String(step)} are those of ${originId}`);
    const request = { experimentId, recipe, parsed, options: { ...origin.options, fork: plan } };
    await showStarted(stack, experimentId, await startOrAttach(stack, request), options);
  });
}

/** The arm that the settings change, or the only one that trains. Throws USAGE. */
function theArm(recipe: Recipe, sets: readonly string[]): string {
  const changed = sets.flatMap((set) => /^arms\.([^.=]+)[.=]/.exec(set.trim())?.[1] ?? []);
  const trained = trainedArms(recipe).map(([name]) => name);
  const [only, ...others] = new Set(changed.length > 0 ? changed : trained);
  if (only !== undefined && others.length === 0) return only;
  throw new MtrlError('USAGE', 'the arm to fork is ambiguous', {
    where: '--arm',
    found: changed.length > 0 ? `changes of ${[...new Set(changed)].join(', ')}` : 'none, and several arms train',
    hint: `name one: ${trained.join(', ')}`,
  });
}
