/** Stores a run's results as one artifact: workflows pass its ref, whose size does not depend on the task count. */
import type { EvaluatedRun, KeepEvaluationsInput, KeepEvaluationsResult } from '../../contract/activities.ts';
import type { JsonCache } from '../json-cache.ts';
import { keptEvaluation } from './kept-evaluation.ts';

/** Has no cache key, because it computes nothing. Reads scores and judgments from the manifests of `evaluate`. */
export function createKeepEvaluations(cache: JsonCache) {
  return async ({ run, evaluations }: KeepEvaluationsInput): Promise<KeepEvaluationsResult> => {
    const evaluated: EvaluatedRun = {
      ...run,
      evaluations: await Promise.all(evaluations.map((made) => keptEvaluation(cache.store, made))),
    };
    return { evaluated: await cache.put(evaluated) };
  };
}
