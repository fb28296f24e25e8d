/** The pixel baseline beside recorded verdicts: the recipe's rows of the task are read with their pictures. */
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { fittedCountMax, fittedOf, fitPixels, isClassified } from '../baselines/fit-pixels.ts';
import { greyPixels } from '../baselines/grey-pixels.ts';
import { taskSpecOf } from '../datasets/check-recipe.ts';
import { ingestDatasets } from '../datasets/ingest.ts';
import type { SourceFiles } from '../datasets/sources/source-files.ts';
import type { JudgedExample } from '../evaluation/metric.ts';
import { taskScores } from '../evaluation/scores.ts';
import type { Example } from '../example.ts';
import { ordersOf, otherOrders } from '../tasks/reorder.ts';
import type { ScoringSettings } from './score-judges.ts';

/**
 * Undefined if verdicts of the task are no labels, or if it shows no pictures or has no training or evaluated rows. Throws
 * what ingestion throws, such as FILE_MISSING or DATASET_QUARANTINE_CEILING for pictures that are not there.
 */
export async function pixelJudge(
  recipe: Recipe,
  task: string,
  { resampleCount, seed }: ScoringSettings,
  files: SourceFiles,
): Promise<PixelBaseline | undefined> {
  const spec = taskSpecOf(recipe, task, '--task');
  if (!isClassified(spec)) return undefined;
  // Labels of recorded verdicts are those of the published order.
  const datasets = recipe.datasets.flatMap((dataset) =>
    dataset.reader !== 'judge-world' && dataset.task === task ? [{ ...dataset, randomOrderSeed: undefined }] : [],
  );
  const pixels = new Map<string, Float32Array>();
  const image = async (digest: string, bytes: Uint8Array): Promise<void> => {
    pixels.set(digest, await greyPixels(bytes));
  };
  const own = { ...recipe, tasks: { [task]: spec }, arms: {}, datasets };
  const { examples } = await ingestDatasets(own, { image }, undefined, files);
  const train = examples.filter(({ split }) => split === 'train');
  const shown = examples.filter(({ split }) => split === recipe.evaluation.split);
  const pixelsOf = (digest: string) => Promise.resolve(required(pixels.get(digest), 'a picture'));
  const drawn = new Rng('pixel baseline', recipe.evaluation.seed, task).shuffle([...train]).slice(0, fittedCountMax);
  const chosen = fittedOf(drawn, spec);
  if (chosen.length === 0 || shown.length === 0) return undefined;
  const fitted = await fitPixels(chosen, spec, pixelsOf, () => Promise.resolve());
  if (fitted === undefined) return undefined;
  const judged: JudgedExample[] = [];
  const judge = async (example: Example, reordered?: JudgedExample['reordered']): Promise<void> => {
    const verdict = await fitted.verdictOf(example, pixelsOf);
    judged.push({ example, judgment: { ok: true, verdict, rationale: '' }, ...(reordered && { reordered }) });
  };
  for (const example of shown) {
    await judge(example);
    const [, ...orders] = ordersOf(example, spec);
    for (const [i, turned] of otherOrders(example, spec).entries())
      await judge(turned, { of: example.id, order: required(orders[i], 'an order') });
  }
  const scores = taskScores({ task, spec, split: 'test', judged, resampleCount, seed });
  const { exampleCount, accuracy, macroF1, ci95 } = scores;
  return {
    ...{ task, split: 'test', exampleCount, accuracy },
    ...{ macroF1: required(macroF1, 'Macro-F1 of labels'), ci95: required(ci95, 'its interval') },
    ...{ fittedCount: chosen.length, trainCount: train.length, fields: fitted.fields },
  };
}
