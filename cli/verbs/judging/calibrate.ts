import type { Command } from 'commander';
import { required } from '../../../core/assert.ts';
import type { EvaluatePolicyInput } from '../../../contract/workflows.ts';
import { readOverrides } from '../../../infra/stack/settings.ts';
import type { Calibration } from '../../../pipeline/asking/calibration.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import { answerMode, policySetting } from '../../asked.ts';
import { calibratingRecipe } from '../../calibrating-recipe.ts';
import { policyFolder, policyForms, policySource } from '../../policy-source.ts';
import { repeated } from '../../repeated.ts';
import { print, printJson } from '../../show/output.ts';
import { runJob } from '../../temporal/job.ts';
import { withStack } from '../../temporal/stack.ts';
import { writeText } from '../../write-text.ts';

interface CalibrateOptions {
  readonly policy: string;
  readonly recipe: string;
  readonly task: readonly string[];
  readonly mode?: string;
  readonly set: readonly string[];
  readonly to?: string;
  readonly json?: boolean;
}

export function addCalibrate(command: Command): void {
  command
    .requiredOption('--policy <policy>', policyForms)
    .requiredOption('--recipe <recipe>', 'a YAML or JSON file, with examples of the split val')
    .option(
      '--task <task>',
      'a task to calibrate (repeatable; default: all with examples of val and labels)',
      repeated,
      [],
    )
    .option('--mode <mode>', 'think or direct: the mode of answering (default: that of the named run, else think)')
    .option('--to <file>', 'write the calibration, as `serve` and `judge --calibration` read it')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--json', 'one JSON document on stdout')
    .action(calibrate);
}

async function calibrate(options: CalibrateOptions): Promise<void> {
  const wantedMode = answerMode(options.mode);
  const folder = policyFolder(options.policy);
  const policy = folder === undefined ? [] : [policySetting(folder)];
  const { parsed } = loadRecipeFile(options.recipe, [...options.set, ...policy]);
  // Refused before the stack is started.
  const draft = calibratingRecipe(parsed, options.task, wantedMode ?? 'think');
  if (readOverrides().temporal === undefined) requireFiles(draft.parsed, folder === undefined ? 'data' : 'all');
  await withStack({ startMissing: true }, async (stack) => {
    const { source, mode: own } = folder === undefined ? await policySource(stack, options.policy) : {};
    const mode = wantedMode ?? own ?? 'think';
    const { recipe } = calibratingRecipe(parsed, options.task, mode);
    const input: EvaluatePolicyInput = { recipe, mode, ...(source && { source }), calibrate: true };
    const { workflowId, result } = await runJob(stack, { type: 'evaluatePolicy', name: parsed.name, input });
    const ref = required(result.calibration, 'a calibration');
    const calibration = (await stack.store.getJson(ref)) as Calibration;
    if (options.to !== undefined) await writeText(options.to, `${JSON.stringify(calibration)}\n`);
    if (options.json === true) printJson({ workflowId, uri: ref.uri, sha256: ref.sha256, ...calibration });
    else print([...calibrationLines(calibration), '', `calibration ${ref.uri}`].join('\n'));
  });
}

/** A line for each task. */
function calibrationLines({ tasks }: Calibration): string[] {
  const width = Math.max(...Object.keys(tasks).map((task) => task.length));
  return Object.entries(tasks).map(([task, { temperature, examples, before, after }]) => {
    const change = (name: 'logLoss' | 'ece'): string => `${before[name].toFixed(3)} -> ${after[name].toFixed(3)}`;
    const measured = `log loss ${change('logLoss')}  calibration error ${change('ece')}`;
    return `${task.padEnd(width)}  temperature ${temperature.toFixed(3)}  ${measured}  on ${String(examples.count)} examples`;
  });
}
