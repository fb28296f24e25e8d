/** Evaluates any policy, or an endpoint, on a recipe's tasks without training; started by `mtrl evaluate`. */
import type { EvaluateResult, EvaluationPlan, ImportPolicyResult, PrepareResult } from '../contract/activities.ts';
import type { CalibrateInput } from '../contract/calibration.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { admitted } from './admitted.ts';
import { bulk, compute, control } from './activity-options.ts';
import { onPool } from './pools.ts';
import { inTurn } from './endpoint-turns.ts';
import { endedBadly } from './failure.ts';
import { requireForm, wrongInput } from './input-form.ts';
import { JobTracker } from './job-tracker.ts';
import { pixelBaselines } from './pixel-baselines.ts';
import { countMade } from './progress.ts';
import { meanMacroF1 } from './training/scores.ts';
import { upsertAttributes } from './search-attributes.ts';
import type { EvaluatePolicyInput, EvaluatePolicyResult, PolicySource } from '../contract/workflows.ts';

const example = '{"recipe": {...}, "mode": "think"}, or "direct"';

export async function evaluatePolicy(input: EvaluatePolicyInput): Promise<EvaluatePolicyResult> {
  const tracker = new JobTracker();
  try {
    requireForm(input, { example, required: ['recipe', 'mode'], optional: ['source', 'asked', 'calibrate'] });
    const { recipe, mode, source, asked, calibrate = false } = input;
    if (!['think', 'direct'].includes(mode)) throw wrongInput(`has an unknown mode: ${JSON.stringify(mode)}`, example);
    const needed = source === undefined && asked === undefined ? 'all' : 'data';
    const prepared = await control.prepare.executeWithOptions({ summary: 'recipe' }, [{ recipe, needed }]);
    upsertAttributes({ recipeName: prepared.recipeName });
    tracker.state('ingesting', asked === undefined ? 'reading datasets, fetching the policy' : 'reading datasets');
    const [read, { policy, checkpoint }] = await Promise.all([
      bulk.ingest.executeWithOptions({ summary: 'datasets' }, [{ recipe: prepared.recipe }]),
      asked === undefined ? broughtIn(prepared.recipe, source, prepared.pools?.training) : endpointOf(prepared, asked),
    ]);
    // No policy's tokens limit the prompts of an endpoint.
    const ingestion =
      asked === undefined
        ? await admitted(
            read,
            { recipe: prepared.recipe, policy, asked: { by: 'policy', mode } },
            prepared.pools?.training,
          )
        : read;
    const ref = { recipe: prepared.recipe, dataset: ingestion.dataset, mode };
    let doneCount = 0;
    const total = prepared.evaluations.length;
    tracker.state('evaluating', `0 of ${String(total)} tasks`);
    const told = async <R>(evaluating: Promise<R>): Promise<R> => {
      const result = await evaluating;
      tracker.state('evaluating', `${String(++doneCount)} of ${String(total)} tasks`);
      return result;
    };
    const one = ({ task, split }: EvaluationPlan): Promise<EvaluateResult> =>
      compute.evaluate.executeWithOptions({ summary: `${task} · ${split}`, ...onPool(prepared.pools?.evaluation) }, [
        { ...ref, policy, arm: 'policy', seed: 0, task, split },
      ]);
    const [evaluations, baselines] = await Promise.all([
      asked === undefined
        ? Promise.all(prepared.evaluations.map((wanted) => told(one(wanted))))
        : inTurn(prepared.evaluations, ({ task, split }, before) => {
            const endpoint = policy.snapshot;
            return told(
              control.evaluateEndpoint.executeWithOptions({ summary: `${task} · ${split}` }, [
                { ...ref, endpoint, arm: asked, task, split, before },
              ]),
            );
          }),
      calibrate
        ? undefined
        : pixelBaselines({ recipe: prepared.recipe, dataset: ingestion.dataset, evaluations: prepared.evaluations }),
    ]);
    const calibration = calibrate ? await calibrationOf({ ...ref, checkpoint }, evaluations) : undefined;
    const macroF1 = meanMacroF1(evaluations.map(({ scores }) => scores));
    tracker.state('done', 'done');
    if (macroF1 !== undefined) upsertAttributes({ macroF1 });
    const { recipeName, recipeDigest, absent } = prepared;
    const named = { recipeName, recipeDigest, ...(absent && { absent }) };
    const made = { ...named, ingestion, checkpoint, mode, evaluations, cache: countMade(evaluations) };
    return { ...made, ...(baselines && { pixelBaselines: baselines }), ...(calibration && { calibration }) };
  } catch (error) {
    throw endedBadly(error);
  }
}

/** Fitted on the judgments of these evaluations. */
async function calibrationOf(
  of: Omit<CalibrateInput, 'judged'>,
  evaluations: readonly EvaluateResult[],
): Promise<ArtifactRef> {
  const judged = evaluations.map(({ judgments, scores: { task, split } }) => ({ task, split, judgments }));
  const { calibration } = await control.calibrate.executeWithOptions({ summary: 'temperatures' }, [{ ...of, judged }]);
  return calibration;
}

/** The policy of `source`, or the recipe's own if there is none. */
export async function broughtIn(
  recipe: ArtifactRef,
  source: PolicySource | undefined,
  pool?: string,
): Promise<Pick<ImportPolicyResult, 'policy' | 'checkpoint'>> {
  if (source?.kind === 'state') return { policy: source.policy, checkpoint: source.checkpoint };
  const checkpoint = source?.checkpoint;
  return compute.importPolicy.executeWithOptions({ summary: 'policy', ...onPool(pool) }, [
    { recipe, ...(checkpoint && { checkpoint }) },
  ]);
}

/** The endpoint of the arm, which stands for a policy and for its checkpoint. */
function endpointOf({ runs }: PrepareResult, arm: string): Pick<ImportPolicyResult, 'policy' | 'checkpoint'> {
  const endpoint = runs.find((run) => run.arm === arm)?.endpoint;
  if (endpoint === undefined) throw wrongInput(`names the arm ${arm}, which asks no endpoint`, example);
  return { policy: { snapshot: endpoint, log: [] }, checkpoint: endpoint };
}
