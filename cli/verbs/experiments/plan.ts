import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { knownDevices, parseDevice } from '../../plan/devices.ts';
import { exampleCounts } from '../../plan/example-counts.ts';
import { makePlan } from '../../plan/make-plan.ts';
import { policyCosts } from '../../plan/policy-costs.ts';
import { repeated } from '../../repeated.ts';
import { print, printJson } from '../../show/output.ts';
import { planLines } from '../../show/plan-lines.ts';
import { wholeNumberFrom } from '../../whole-number.ts';

interface PlanOptions {
  readonly set: readonly string[];
  readonly model?: string;
  readonly examples: readonly string[];
  readonly assume: number;
  readonly imageEdge: number;
  readonly threads: number;
  readonly device: readonly string[];
  readonly trainingUtilization: number;
  readonly samplingUtilization: number;
  readonly json?: boolean;
}

export function addPlan(command: Command): void {
  command
    .argument('<recipe>', 'a YAML or JSON file')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--model <folder>', "checkpoint's folder, or name of a published model, instead of the recipe's policy")
    .option('--examples <task.split=count>', 'examples of a task, instead of counting rows (repeatable)', repeated, [])
    .option('--assume <count>', 'examples per dataset and split whose files are not here', wholeNumberFrom(1), 1000)
    .option('--image-edge <pixels>', 'edge length of the pictures', wholeNumberFrom(1), 512)
    .option(
      '--threads <count>',
      'threads of the compute process on this machine',
      wholeNumberFrom(1),
      Math.min(2, availableParallelism()),
    )
    .option('--device <name=tflops>', 'a further device, by its peak rate (repeatable)', repeated, [])
    .option('--training-utilization <share>', "share of a device's peak rate that training reaches", shareOf, 0.3)
    .option('--sampling-utilization <share>', "share of a device's peak rate that sampling reaches", shareOf, 0.1)
    .option('--json', 'one JSON document on stdout')
    .action(plan);
}

async function plan(file: string, options: PlanOptions): Promise<void> {
  const { parsed } = loadRecipeFile(file, options.set);
  const { imageEdge, threads: threadCount, model } = options;
  const devices = [...knownDevices, ...options.device.map(parseDevice)];
  const given = new Map(options.examples.map(givenCount));
  const counts = await exampleCounts(parsed, { given, assumedCount: options.assume });
  const costs = await policyCosts(parsed, { ...(model !== undefined && { model }), threadCount, imageEdge });
  const { trainingUtilization: training, samplingUtilization: sampling } = options;
  const made = makePlan(parsed, { counts, costs, devices, utilization: { training, sampling }, imageEdge });
  if (options.json === true) printJson(made);
  else print(planLines(made).join('\n'));
  if (made.arms.some(({ fits }) => !fits)) process.exitCode = 1;
}

function givenCount(text: string): [key: string, count: number] {
  const [, key, count] = /^([^=]+)=(\d{1,15})$/.exec(text) ?? [];
  if (key !== undefined) return [key, Number(count)];
  throw new MtrlError('USAGE', '--examples must be TASK.SPLIT=COUNT', {
    found: text,
    hint: 'such as --examples safety.test=2037',
  });
}

function shareOf(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('It must be greater than 0, and 1 at most.');
}
