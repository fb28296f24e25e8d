import type { Command } from 'commander';
import type { KeptEvaluation } from '../../../contract/activities.ts';
import { baselinesFormat } from '../../../pipeline/asking/baselines-format.ts';
import type { PixelBaseline } from '../../../contract/pixel-baselines.ts';
import { keptEvaluation } from '../../../pipeline/asking/kept-evaluation.ts';
import { readOverrides } from '../../../infra/stack/settings.ts';
import { plusUsage } from '../../../judge/evaluation/endpoint-usage.ts';
import { baselineLines } from '../../../judge/evaluation/baseline-text.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { EvaluatePolicyInput, EvaluatePolicyResult } from '../../../contract/workflows.ts';
import { runJob } from '../../temporal/job.ts';
import { absentLines } from '../../show/absent-lines.ts';
import { paintFor, print, printJson } from '../../show/output.ts';
import { askedWith } from '../../asked.ts';
import { addAskedOptions, type AskedOptions, usageLine } from '../../endpoint-options.ts';
import { withStack } from '../../temporal/stack.ts';
import { scoreTable } from '../../show/table.ts';
import { unreadLines } from '../../show/unread-lines.ts';
import { variantLines } from '../../show/variant-lines.ts';
import { repeated } from '../../repeated.ts';

interface EvaluateOptions extends AskedOptions {
  readonly recipe: string;
  readonly mode?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

interface Evaluated extends Omit<EvaluatePolicyResult, 'pixelBaselines'> {
  readonly evaluations: readonly KeptEvaluation[];
  readonly pixelBaselines: readonly PixelBaseline[];
}

export function addEvaluate(command: Command): void {
  addAskedOptions(command)
    .requiredOption('--recipe <recipe>', 'a YAML or JSON file')
    .option('--mode <mode>', 'think or direct: the mode of answering (default: that of the named run, else think)')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--json', 'one JSON document on stdout')
    .action(evaluate);
}

async function evaluate({ recipe: file, mode, set, json = false, ...options }: EvaluateOptions): Promise<void> {
  const asked = askedWith(options, mode, file, set);
  const { recipe, parsed, name: policy } = asked;
  if (readOverrides().temporal === undefined) requireFiles(parsed, asked.isInRecipe ? 'all' : 'data');
  await withStack({ startMissing: true }, async (stack) => {
    const input: EvaluatePolicyInput = { recipe, ...(await asked.by(stack)) };
    const job = { type: 'evaluatePolicy', name: parsed.name, input } as const;
    const { workflowId, result } = await runJob(stack, job);
    const evaluations = await Promise.all(result.evaluations.map((made) => keptEvaluation(stack.store, made)));
    const pixelBaselines =
      result.pixelBaselines === undefined
        ? []
        : (await stack.store.getDocument(result.pixelBaselines, baselinesFormat)).baselines;
    const full = { ...result, evaluations, pixelBaselines };
    if (json) printJson(documentOf(workflowId, policy, full));
    else printScores(policy, full, parsed);
  });
}

function documentOf(workflowId: string, policy: string, result: Evaluated) {
  const { recipeName, recipeDigest, absent, checkpoint, mode, evaluations, pixelBaselines, cache } = result;
  return {
    ...{ workflowId, status: 'completed', recipeName, recipeDigest, mode, cache },
    policy: { name: policy, uri: checkpoint.uri, sha256: checkpoint.sha256 },
    tasks: evaluations.map(({ scores }) => scores),
    pixelBaselines,
    ...(absent && { absent }),
  };
}

function printScores(policy: string, { evaluations, mode, pixelBaselines, absent }: Evaluated, recipe: Recipe): void {
  const run = { plan: { arm: mode, runName: mode, seed: 0 }, evaluations };
  print(`${policy}\n\n${scoreTable([run], paintFor(process.stdout))}`);
  const all = evaluations.map(({ scores }) => scores);
  const baselines = baselineLines([{ name: policy, scores: all }], pixelBaselines);
  const spent = all.flatMap(({ usage }) => usage ?? []);
  const used = spent.length === 0 ? [] : [usageLine(spent.reduce(plusUsage), recipe)];
  const unread = unreadLines(all, recipe.evaluation.tokenCountMax);
  for (const lines of [absentLines(absent), baselines, variantLines(all), unread, used]) {
    if (lines.length > 0) print(`\n${lines.join('\n')}`);
  }
}
