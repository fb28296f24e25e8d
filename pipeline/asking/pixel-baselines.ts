/**
 * Fits a logistic regression on 24x24 grey pixels to the training rows of each evaluated task, and scores it on the
 * examples that the judges are asked. Tasks one after the other: one at a time is in memory.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import { fittedCountMax, fittedOf, fitPixels, isClassified } from '../../judge/baselines/fit-pixels.ts';
import { greyPixels } from '../../judge/baselines/grey-pixels.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Recipe, TaskSpec } from '../../recipes/recipe.ts';
import type { EvaluationPlan } from '../../contract/activities.ts';
import type {
  KeptBaselines,
  PixelBaseline,
  PixelBaselinesInput,
  PixelBaselinesResult,
} from '../../contract/pixel-baselines.ts';
import { type OpenDataset, openDataset } from '../data/dataset-artifact.ts';
import { imageBytes } from '../data/image-table.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import { turn } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf, taskOf } from '../recipe-access.ts';
import { judgedOf, shownOf } from './shown.ts';

export function createPixelBaselines(deps: ControlDeps, cache: JsonCache) {
  return async ({ recipe: ref, dataset, evaluations }: PixelBaselinesInput): Promise<PixelBaselinesResult> => {
    const recipe = await recipeOf(cache, ref);
    const baselines: PixelBaseline[] = [];
    const manifests: ArtifactRef[] = [];
    for (const plan of evaluations) {
      const { task, split } = plan;
      const spec = taskOf(recipe, task);
      const { kind, labels } = spec;
      if (!isClassified(spec)) continue;
      const { seed, exampleCountMax = null, bootstrapResampleCount } = recipe.evaluation;
      const config = { task, split, kind, labels, seed, exampleCountMax, bootstrapResampleCount };
      const { summary, manifest } = await durable(deps, 'pixelBaselines', { inputs: { dataset }, config }, async () => {
        const opened = await openDataset(cache, dataset);
        return { outputs: {}, summary: { baseline: await baselineOf(cache, opened, recipe, plan) } };
      });
      manifests.push(manifest);
      if (summary.baseline !== null) baselines.push(summary.baseline);
    }
    return { baselines: await cache.put({ baselines, manifests } satisfies KeptBaselines) };
  };
}

/** null if the task has no training rows, or no pictures. */
async function baselineOf(
  cache: JsonCache,
  dataset: OpenDataset,
  recipe: Recipe,
  { task, split }: EvaluationPlan,
): Promise<PixelBaseline | null> {
  const spec = taskOf(recipe, task);
  const { evaluation } = recipe;
  const { chosen, trainCount } = await chosenRows(dataset, spec, task, evaluation.seed);
  const known = new Map<string, Float32Array>();
  const pixelsOf = async (digest: string): Promise<Float32Array> => {
    const found = known.get(digest) ?? (await greyPixels(await imageBytes(cache, dataset.artifact, digest)));
    known.set(digest, found);
    return found;
  };
  const fitted = await fitPixels(chosen, spec, pixelsOf, turn);
  known.clear();
  if (fitted === undefined) return null;
  const shown = await shownOf(dataset, spec, { task, split }, evaluation);
  if (shown.length === 0) return null;
  const said: Pick<JudgedExample, 'judgment'>[] = [];
  for (const { example } of shown) {
    const verdict = await fitted.verdictOf(example, pixelsOf);
    known.clear();
    said.push({ judgment: { ok: true, verdict, rationale: '' } });
  }
  const { bootstrapResampleCount: resampleCount, seed } = evaluation;
  const judged = judgedOf(shown, spec, said);
  const { exampleCount, accuracy, macroF1, ci95 } = taskScores({ task, spec, split, judged, resampleCount, seed });
  return {
    ...{ task, split, exampleCount, accuracy },
    ...{ macroF1: required(macroF1, 'Macro-F1 of labels'), ci95: required(ci95, 'its interval') },
    ...{ fittedCount: chosen.length, trainCount, fields: fitted.fields },
  };
}

/** Training examples in an order drawn by seed: as many as may be fitted in all orders. */
async function chosenRows(dataset: OpenDataset, spec: TaskSpec, task: string, seed: number) {
  const rows = await dataset.rowsOf(task, 'train');
  const drawn = new Rng('pixel baseline', seed, task).shuffle(rows.slice()).subarray(0, fittedCountMax);
  const examples = await dataset.examplesAt(drawn);
  const chosen = fittedOf(examples, spec);
  return { chosen, trainCount: rows.length };
}
