import type { Command } from 'commander';
import type { KeptEvaluation } from '../../../contract/activities.ts';
import { keptEvaluation } from '../../../pipeline/asking/kept-evaluation.ts';
import { MtrlError } from '../../../core/errors.ts';
import { readOverrides } from '../../../infra/stack/settings.ts';
import type { AnswerMode } from '../../../judge/example.ts';
import { baselineLines } from '../../../judge/evaluation/baseline-text.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import type { EvaluatePolicyInput, EvaluatePolicyResult } from '../../../contract/workflows.ts';
import { runJob } from '../../temporal/job.ts';
import { absentLines } from '../../show/absent-lines.ts';
import { paintFor, print, printJson } from '../../show/output.ts';
import { policyFolder, policyForms, policySource } from '../../policy-source.ts';
import { withStack } from '../../temporal/stack.ts';
import { scoreTable } from '../../show/table.ts';
import { unreadLines } from '../../show/unread-lines.ts';
import { variantLines } from '../../show/variant-lines.ts';
import { repeated } from '../../repeated.ts';

interface EvaluateOptions {
  readonly policy: string;
  readonly recipe: string;
  readonly mode?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

type Evaluated = EvaluatePolicyResult & { readonly evaluations: readonly KeptEvaluation[] };

export function addEvaluate(command: Command): void {
  command
    .requiredOption('--policy <policy>', policyForms)
    .requiredOption('--recipe <recipe>', 'a YAML or JSON file')
    .option('--mode <mode>', 'think or direct: the mode of answering (default: that of the named run, else think)')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--json', 'one JSON document on stdout')
    .action(evaluate);
}

async function evaluate({ policy, recipe: file, mode, set, json = false }: EvaluateOptions): Promise<void> {
  const wantedMode = answerMode(mode);
  const folder = policyFolder(policy);
  const { recipe, parsed } = loadRecipeFile(file, [...set, ...(folder === undefined ? [] : [policySetting(folder)])]);
  if (readOverrides().temporal === undefined) requireFiles(parsed, folder === undefined ? 'data' : 'all');
  await withStack({ startMissing: true }, async (stack) => {
    const named = folder === undefined ? await policySource(stack, policy) : {};
    const input: EvaluatePolicyInput = {
      recipe,
      mode: wantedMode ?? named.mode ?? 'think',
      ...(named.source && { source: named.source }),
    };
    const job = { type: 'evaluatePolicy', name: parsed.name, input } as const;
    const { workflowId, result } = await runJob(stack, job);
    const evaluations = await Promise.all(result.evaluations.map((made) => keptEvaluation(stack.store, made)));
    const full = { ...result, evaluations };
    if (json) printJson(documentOf(workflowId, policy, full));
    else printScores(policy, full, parsed.evaluation.tokenCountMax);
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
  const { recipeName, recipeDigest, absent, checkpoint, mode, evaluations, cache } = result;
  return {
    ...{ workflowId, status: 'completed', recipeName, recipeDigest, mode, cache },
    policy: { name: policy, uri: checkpoint.uri, sha256: checkpoint.sha256 },
    tasks: evaluations.map(({ scores }) => scores),
    ...(absent && { absent }),
  };
}

function printScores(policy: string, { evaluations, mode, absent }: Evaluated, tokenCountMax: number): void {
  const run = { plan: { arm: mode, runName: mode, seed: 0 }, evaluations };
  print(`${policy}\n\n${scoreTable([run], paintFor(process.stdout))}`);
  const all = evaluations.map(({ scores }) => scores);
  const baselines = baselineLines([{ name: policy, scores: all }]);
  for (const lines of [absentLines(absent), baselines, variantLines(all), unreadLines(all, tokenCountMax)]) {
    if (lines.length > 0) print(`\n${lines.join('\n')}`);
  }
}
