import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { doctor, formatReport } from '../../../infra/doctor/doctor.ts';
import type { ArmShape } from '../../../contract/model-plan.ts';
import { formatPlan, planModel } from '../../../infra/doctor/model.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { armShapes } from '../../arm-shapes.ts';
import { requireCheckpoint } from '../../local-checkpoint.ts';
import { print, printJson } from '../../show/output.ts';
import { userPath } from '../../user-path.ts';

interface DoctorOptions {
  readonly model?: string;
  readonly recipe?: string;
  readonly imageEdge: string;
  readonly threads: string;
  readonly json?: boolean;
}

export function addDoctor(command: Command): void {
  command
    .option('--model <folder>', 'a checkpoint folder in Hugging Face layout: show its planned memory and step time')
    .option(
      '--recipe <file>',
      'with --model: plan the arms of this recipe (default: one step of 16 prompts x 8 rollouts)',
    )
    .option('--image-edge <pixels>', 'with --model: edge length of the images in prompts', '512')
    .option(
      '--threads <count>',
      'with --model: threads of the compute process',
      String(Math.min(2, availableParallelism())),
    )
    .option('--json', 'one JSON document on stdout')
    .action(async (options: DoctorOptions) => {
      if (options.model !== undefined) return plan(options.model, options);
      const report = await doctor();
      if (options.json === true) printJson(report);
      else print(formatReport(report).trimEnd());
      if (!report.ok) process.exitCode = 1;
    });
}

async function plan(model: string, options: DoctorOptions): Promise<void> {
  const { recipe, imageEdge, threads, json } = options;
  const planned = await planModel({
    checkpoint: requireCheckpoint(userPath(model)),
    threadCount: countOf('--threads', threads),
    imageEdge: countOf('--image-edge', imageEdge),
    arms: recipe === undefined ? [usualStep] : armShapes(loadRecipeFile(recipe, []).parsed),
  });
  if (json === true) printJson(planned);
  else print(formatPlan(planned).trimEnd());
  if (planned.arms.some(({ fits }) => !fits)) process.exitCode = 1;
}

/** A step with the defaults of a recipe's arm. */
const usualStep: ArmShape = {
  arm: 'all weights',
  ...{ promptCount: 16, groupSize: 8, completionTokenCount: 32, loss: 'ppo', withReference: false },
  ...{ trainable: {}, memory: {} },
  ...{ promptText: 'is it good ?', imageCount: 1 },
};

function countOf(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new MtrlError('USAGE', `${option} must be an integer, 1 or greater`, { found: text });
}
