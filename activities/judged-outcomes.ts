/** Kept judgments as what comparisons between policies start from: outcomes in the dataset's order, with their clusters. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { required } from '../core/assert.ts';
import type { ClusteredOutcome } from '../judge/evaluation/bootstrap.ts';
import { outcomeOf } from '../judge/evaluation/outcome.ts';
import { examplesOf } from './dataset-artifact.ts';
import type { JsonCache } from './json-cache.ts';
import type { EvaluationJudgments } from './judgments-artifact.ts';

export interface JudgedOutcomes {
  readonly task: string;
  readonly outcomes: readonly (ClusteredOutcome & { readonly exampleId: string })[];
}

/** `dataset`: the one that was judged. */
export async function judgedOutcomes(
  cache: JsonCache,
  dataset: ArtifactRef,
  judgmentsRef: ArtifactRef,
): Promise<JudgedOutcomes> {
  const examples = await examplesOf(cache, dataset);
  const { task, judgments } = (await cache.get(judgmentsRef)) as EvaluationJudgments;
  const outcomes = judgments.map(({ exampleId, exampleIndex, label, judgment }) => {
    const { groupKey } = required(examples[exampleIndex], 'an example for every judgment');
    return { ...outcomeOf({ label }, judgment), exampleId, clusterKey: groupKey };
  });
  return { task, outcomes };
}
