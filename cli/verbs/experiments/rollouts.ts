import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { nearest } from '../../../recipes/checks/nearest.ts';
import { type MadeRun, madeBy } from '../../show/made.ts';
import { type Paint, paintFor, print, printJson } from '../../show/output.ts';
import { loggedSteps, promptsOfStep, type ShownPrompt } from '../../show/rollout-log.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';

interface RolloutOptions {
  readonly step?: number;
  readonly task?: string;
  readonly json?: boolean;
}

export function addRollouts(command: Command): void {
  command
    .argument('<id>')
    .option('--step <step>', 'training step, 0-based (default: the newest)', wholeNumber)
    .option('--task <task>', 'show this task only')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string, options: RolloutOptions) => {
      await withStack({ startMissing: false }, async (stack) => {
        const { runs } = await madeBy(stack, experimentId);
        const prompts = (await Promise.all(runs.map((run) => promptsOf(stack, run, options)))).flat();
        if (prompts.length === 0) throw await nothingThere(stack, experimentId, runs, options);
        if (options.json === true) printJson({ experimentId, prompts });
        else printPrompts(prompts, paintFor(process.stdout));
      });
    });
}

async function promptsOf(
  { store }: Stack,
  run: MadeRun,
  { step, task }: RolloutOptions,
): Promise<readonly ShownPrompt[]> {
  const updates = await loggedSteps(store, run);
  const wanted = step === undefined ? updates.at(-1) : updates.find((update) => update.step === step);
  if (wanted === undefined) return [];
  const prompts = await promptsOfStep(store, run.runName, wanted);
  return prompts.filter((prompt) => task === undefined || prompt.task === task);
}

async function nothingThere(
  { store }: Stack,
  experimentId: string,
  runs: readonly MadeRun[],
  { step, task }: RolloutOptions,
): Promise<MtrlError> {
  const logs = await Promise.all(runs.map(async (run) => ({ run, updates: await loggedSteps(store, run) })));
  const kept = logs.filter(({ updates }) => updates.length > 0);
  const steps = kept.map(
    ({ run, updates }) => `${run.runName}: steps ${String(updates[0]?.step)} to ${String(updates.at(-1)?.step)}`,
  );
  const tasks = [
    ...new Set(kept.flatMap(({ updates }) => updates.flatMap(({ prompting }) => Object.keys(prompting.tasks)))),
  ];
  const wanted = [
    ...(step === undefined ? [] : [`step ${String(step)}`]),
    ...(task === undefined ? [] : [`task ${task}`]),
  ].join(', ');
  return new MtrlError('NOT_FOUND', `there are no rollouts${wanted === '' ? '' : ` of ${wanted}`}`, {
    where: experimentId,
    found:
      steps.length === 0
        ? 'no reinforcement learning step is stored yet'
        : `${steps.join('; ')}; tasks ${nearest(task ?? '', tasks, 8).join(', ')}`,
    hint: 'steps become readable with the next snapshot',
  });
}

function printPrompts(prompts: readonly ShownPrompt[], paint: Paint): void {
  for (const { runName, step, task, exampleId, label, prompt, images, rollouts } of prompts) {
    print(`${paint('bold', task)}  ${paint('dim', `${runName} step ${String(step)}  ${exampleId}`)}`);
    print(`  ${prompt}`);
    print(paint('dim', `  label ${label}  images ${images.map((digest) => digest.slice(0, 12)).join(' ')}`));
    for (const { judgment, reward, text, finishReason } of rollouts) {
      const verdict = judgment.ok
        ? paint(reward.accuracy === 1 ? 'green' : 'red', judgment.verdict)
        : paint('yellow', judgment.reason);
      const ending = finishReason === 'length' ? paint('yellow', ' …cut') : '';
      print(`  ${reward.value.toFixed(2)}  ${verdict}  ${paint('dim', text)}${ending}`);
    }
    print('');
  }
}
