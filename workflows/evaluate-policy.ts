/** Evaluates any policy on a recipe's tasks without training; started by `mtrl evaluate`. */
import type { EvaluateResult, EvaluationPlan, ImportPolicyResult } from '../contract/activities.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { admitted } from './admitted.ts';
import { bulk, compute, control } from './activity-options.ts';
import { endedBadly } from './failure.ts';
import { requireForm, wrongInput } from './input-form.ts';
import { JobTracker } from './job-tracker.ts';
import { countMade } from './progress.ts';
import { meanMacroF1 } from './training/scores.ts';
import { upsertAttributes } from './search-attributes.ts';
import type { EvaluatePolicyInput, EvaluatePolicyResult, PolicySource } from '../contract/workflows.ts';

const example = '{"recipe": {...}, "mode": "think"}, or "direct"';

export async function evaluatePolicy(input: EvaluatePolicyInput): Promise<EvaluatePolicyResult> {
  const tracker = new JobTracker();
  try {
    requireForm(input, { example, required: ['recipe', 'mode'], optional: ['source'] });
    const { recipe, mode, source } = input;
    if (!['think', 'direct'].includes(mode)) throw wrongInput(`has an unknown mode: ${JSON.stringify(mode)}`, example);
    const needed = source === undefined ? 'all' : 'data';
    const prepared = await control.prepare.executeWithOptions({ summary: 'recipe' }, [{ recipe, needed }]);
    upsertAttributes({ recipeName: prepared.recipeName });
    tracker.state('ingesting', 'reading datasets, fetching the policy');
    const [read, { policy, checkpoint }] = await Promise.all([
      bulk.ingest.executeWithOptions({ summary: 'datasets' }, [{ recipe: prepared.recipe }]),
      broughtIn(prepared.recipe, source),
    ]);
    const ingestion = await admitted(read, { recipe: prepared.recipe, policy, asked: { by: 'policy', mode } });
    const ref = { recipe: prepared.recipe, dataset: ingestion.dataset, policy, arm: 'policy', seed: 0, mode };
    let doneCount = 0;
    const total = prepared.evaluations.length;
    tracker.state('evaluating', `0 of ${String(total)} tasks`);
    const one = async ({ task, split }: EvaluationPlan): Promise<EvaluateResult> => {
      const result = await compute.evaluate.executeWithOptions({ summary: `${task} · ${split}` }, [
        { ...ref, task, split },
      ]);
      tracker.state('evaluating', `${String(++doneCount)} of ${String(total)} tasks`);
      return result;
    };
    const evaluations = await Promise.all(prepared.evaluations.map(one));
    const macroF1 = meanMacroF1(evaluations.map(({ scores }) => scores));
    tracker.state('done', 'done');
    if (macroF1 !== undefined) upsertAttributes({ macroF1 });
    const { recipeName, recipeDigest, absent } = prepared;
    const named = { recipeName, recipeDigest, ...(absent && { absent }) };
    return { ...named, ingestion, checkpoint, mode, evaluations, cache: countMade(evaluations) };
  } catch (error) {
    throw endedBadly(error);
  }
}

/** The policy of `source`, or the recipe's own if there is none. */
export async function broughtIn(
  recipe: ArtifactRef,
  source: PolicySource | undefined,
): Promise<Pick<ImportPolicyResult, 'policy' | 'checkpoint'>> {
  if (source?.kind === 'state') return { policy: source.policy, checkpoint: source.checkpoint };
  const checkpoint = source?.checkpoint;
  return compute.importPolicy.executeWithOptions({ summary: 'policy' }, [
    { recipe, ...(checkpoint && { checkpoint }) },
  ]);
}
