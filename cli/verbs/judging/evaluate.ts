import type { Command } from 'commander';
import type { KeptEvaluation } from '../../../contract/activities.ts';
import type { PixelBaseline } from '../../../contract/pixel-baselines.ts';
import { keptEvaluation } from '../../../pipeline/asking/kept-evaluation.ts';
import { MtrlError } from '../../../core/errors.ts';
import { readOverrides } from '../../../infra/stack/settings.ts';
import { plusUsage } from '../../../judge/evaluation/endpoint-usage.ts';
import type { AnswerMode } from '../../../judge/example.ts';
import { baselineLines } from '../../../judge/evaluation/baseline-text.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { EvaluatePolicyInput, EvaluatePolicyResult } from '../../../contract/workflows.ts';
import { runJob } from '../../temporal/job.ts';
import { absentLines } from '../../show/absent-lines.ts';
import { paintFor, print, printJson } from '../../show/output.ts';
import {
  addAskedOptions,
  askedArm,
  askedOf,
  type AskedOptions,
  askingRecipe,
  usageLine,
} from '../../endpoint-options.ts';
import { policyFolder, policySource } from '../../policy-source.ts';
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
  const wantedMode = answerMode(mode);
  const asked = askedOf(options);
  const [policy, endpoint] = typeof asked === 'string' ? [asked] : [`${asked.model} at ${asked.endpoint}`, asked];
  const folder = endpoint === undefined ? policyFolder(policy) : undefined;
  const loaded = loadRecipeFile(file, [...set, ...(folder === undefined ? [] : [policySetting(folder)])]);
  const { recipe, parsed } =
    endpoint === undefined ? loaded : askingRecipe(loaded.recipe, endpoint, wantedMode ?? 'think');
  if (readOverrides().temporal === undefined) requireFiles(parsed, folder === undefined ? 'data' : 'all');
  await withStack({ startMissing: true }, async (stack) => {
    const named = folder === undefined && endpoint === undefined ? await policySource(stack, policy) : {};
    const input: EvaluatePolicyInput = {
      recipe,
      mode: wantedMode ?? named.mode ?? 'think',
      ...(named.source && { source: named.source }),
      ...(endpoint && { asked: askedArm }),
    };
    const job = { type: 'evaluatePolicy', name: parsed.name, input } as const;
    const { workflowId, result } = await runJob(stack, job);
    const evaluations = await Promise.all(result.evaluations.map((made) => keptEvaluation(stack.store, made)));
    const pixelBaselines =
      result.pixelBaselines === undefined
        ? []
        : ((await stack.store.getJson(result.pixelBaselines)) as readonly PixelBaseline[]);
    const full = { ...result, evaluations, pixelBaselines };
    if (json) printJson(documentOf(workflowId, policy, full));
    else printScores(policy, full, parsed);
  });
}

/** Throws USAGE. */
export function answerMode(mode: string | undefined): AnswerMode | undefined {
  if (mode === undefined || mode === 'think' || mode === 'direct') return mode;
  throw new MtrlError('USAGE', 'the mode does not exist', {
    where: '--mode',
    found: mode,
    hint: 'use think or direct',
  });
}

/** Recipe override that sets the policy to a folder. JSON is valid YAML, so the path may contain any character. */
export function policySetting(folder: string): string {
  return `policy=${JSON.stringify({ checkpoint: folder })}`;
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
