/** Reads stored judgments, in dataset order, as outcomes with clusters: the input of comparisons between policies. */
import { batchesOf } from '../../artifacts/store/bounded.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ClusteredOutcome } from '../../judge/evaluation/statistics/bootstrap.ts';
import { outcomeOf } from '../../judge/evaluation/outcome.ts';
import { exampleLookup, openDataset } from '../data/dataset-artifact.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { JsonCache } from '../json-cache.ts';
import { taskOf } from '../recipe-access.ts';
import { judgmentsFormat } from './judgments-artifact.ts';

export interface JudgedOutcomes {
  readonly task: string;
  readonly outcomes: readonly (ClusteredOutcome & { readonly exampleId: string })[];
}

/** `dataset` must be the one that was judged. */
export async function judgedOutcomes(
  cache: JsonCache,
  { tasks }: Pick<Recipe, 'tasks'>,
  dataset: ArtifactRef,
  judgmentsRef: ArtifactRef,
): Promise<JudgedOutcomes> {
  const opened = await openDataset(cache, dataset);
  const { task, judgments } = await cache.getDocument(judgmentsRef, judgmentsFormat);
  const spec = taskOf({ tasks }, task);
  const outcomes: JudgedOutcomes['outcomes'][number][] = [];
  for await (const batch of batchesOf(judgments)) {
    const exampleAt = await exampleLookup(
      opened,
      batch.map(({ exampleIndex }) => exampleIndex),
    );
    for (const { exampleId, exampleIndex, label, judgment } of batch) {
      const { groupKey } = exampleAt(exampleIndex);
      outcomes.push({ ...outcomeOf({ label }, judgment, spec), exampleId, clusterKey: groupKey });
    }
  }
  return { task, outcomes };
}
