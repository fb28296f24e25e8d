import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { readOverrides, stackHome } from '../../../infra/stack/settings.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { runCount, runCountText } from '../../../recipes/run-count.ts';
import type { ExperimentIndex } from '../../../pipeline/reporting/experiment-index.ts';
import { requireDisk } from '../../disk-preflight.ts';
import { requireExperimentId, startOrAttach } from '../../temporal/experiments.ts';
import { ceilingText } from '../../show/ceiling-text.ts';
import { incidentText } from '../../show/incident-text.ts';
import { follow, sayGoesOn } from '../../show/follow.ts';
import { Interrupted } from '../../show/interrupted.ts';
import { absentLines } from '../../show/absent-lines.ts';
import { documentOf, failureDocument, indexOf } from '../../show/outcome.ts';
import { commandText, paintFor, print, printJson, say } from '../../show/output.ts';
import { fetchReport } from '../../reports.ts';
import { type Stack, uiLink, withStack } from '../../temporal/stack.ts';
import { baselineLines } from '../../../judge/evaluation/baseline-text.ts';
import { scoreTable } from '../../show/table.ts';
import { repeated } from '../../repeated.ts';
import { wholeNumberFrom } from '../../whole-number.ts';

interface RunOptions {
  readonly set: readonly string[];
  readonly id?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
  readonly parallel?: number;
  readonly yes?: boolean;
}

export function addRun(command: Command): void {
  command
    .argument('<recipe>', 'a YAML or JSON file')
    .option('--set <path=value>', 'change the recipe; the value is YAML (repeatable)', repeated, [])
    .option('--id <name>', 'id of the experiment; attaches if it exists with the same recipe')
    .option(
      '--parallel <n>',
      'runs at the same time, such as one per device (sets parallelRunCountMax)',
      wholeNumberFrom(1),
    )
    .option(
      '--yes',
      `start even if the recipe makes more than ${String(unaskedRunCountMax)} runs, or the disk seems too small`,
    )
    .option('--wait', 'show progress until it ends')
    .option('--json', 'one JSON document on stdout')
    .action(run);
}

async function run(recipeFile: string, options: RunOptions): Promise<void> {
  const parallel = options.parallel === undefined ? [] : [`parallelRunCountMax=${String(options.parallel)}`];
  const { recipe, parsed, digest } = loadRecipeFile(recipeFile, [...options.set, ...parallel]);
  if (options.yes !== true) requireFewRuns(parsed, recipeFile);
  const experimentId = requireExperimentId(options.id ?? newExperimentId(parsed.name, digest));
  // Workers of a remote stack see other files and check them themselves.
  const { temporal, s3 } = readOverrides();
  if (temporal === undefined) requireFiles(parsed);
  if (temporal === undefined && s3 === undefined && options.yes !== true) requireDisk(parsed, stackHome());
  await withStack({ startMissing: true }, async (stack) => {
    const how = await startOrAttach(stack, { experimentId, recipe, parsed });
    await showStarted(stack, experimentId, how, options);
  });
}

/** Recipes with sweeps soon make more runs than their author thought. */
const unaskedRunCountMax = 200;

/** Throws USAGE. */
export function requireFewRuns(recipe: Recipe, where: string): void {
  const total = runCount(recipe);
  if (total <= unaskedRunCountMax) return;
  throw new MtrlError('USAGE', `the recipe makes ${String(total)} runs`, {
    where,
    found: runCountText(recipe),
    hint: '--yes starts them all',
  });
}

/** Prints that the experiment runs; with `wait`, shows it until it ends. */
export async function showStarted(
  stack: Stack,
  experimentId: string,
  how: 'started' | 'attached',
  options: Pick<RunOptions, 'wait' | 'json'>,
): Promise<void> {
  const link = uiLink(stack.settings, experimentId);
  say(
    `${how === 'started' ? 'started' : 'attached to'} experiment ${experimentId}${link === undefined ? '' : `\n${link}`}`,
  );
  if (options.wait === true) await waitFor(stack, experimentId, options);
  else if (options.json === true)
    printJson({ experimentId, workflowId: experimentId, status: 'running', how, link: link ?? null });
  else print(`watch it with \`${commandText('watch', experimentId)}\``);
}

async function waitFor(stack: Stack, experimentId: string, { json = false }: Pick<RunOptions, 'json'>): Promise<void> {
  try {
    const result = await follow(stack, experimentId);
    const reportPath = await fetchReport(stack, experimentId, result.report);
    const index = await indexOf(stack, result);
    if (json) printJson(documentOf(index, reportPath));
    else printOutcome(index, reportPath);
  } catch (error) {
    if (error instanceof Interrupted) sayGoesOn(experimentId);
    if (json && error instanceof MtrlError) printJson(failureDocument(experimentId, error));
    throw error;
  }
}

export function printOutcome(
  { runs, pixelBaselines, absent }: Pick<ExperimentIndex, 'runs' | 'pixelBaselines' | 'absent'>,
  reportPath: string,
): void {
  print(`\n${scoreTable(runs, paintFor(process.stdout))}\n`);
  const judges = runs.map(({ plan, evaluations }) => ({
    name: plan.runName,
    scores: evaluations.map(({ scores }) => scores),
  }));
  for (const line of [...absentLines(absent), ...baselineLines(judges, pixelBaselines)]) print(line);
  for (const { plan, incidents, ceiling } of runs)
    for (const text of [...incidentText(incidents), ...ceilingText(ceiling)]) print(`${plan.runName}  ${text}`);
  print(`report ${reportPath}`);
}

/** An id that names the recipe and sorts by time. */
export function newExperimentId(recipeName: string, recipeDigest: string): string {
  return `${recipeName}-${recipeDigest.slice(0, 8)}-${timeStamp(new Date())}`;
}

/** `20260801-142530`, UTC: sorts by time and distinguishes two runs of one recipe. */
function timeStamp(now: Date): string {
  return now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}
