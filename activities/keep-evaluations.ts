/** Keeps a run's results as one artifact: workflows pass its ref, whose size does not depend on the number of tasks. */
import { readManifest } from '../artifacts/manifest.ts';
import { required } from '../core/assert.ts';
import type {
  EvaluatedRun,
  EvaluateResult,
  KeepEvaluationsInput,
  KeepEvaluationsResult,
  Made,
  TaskScores,
} from './contract.ts';
import type { JsonCache } from './json-cache.ts';

/** Not under a key: it computes nothing. Scores and judgments are read from the manifests of `evaluate`. */
export function createKeepEvaluations(cache: JsonCache) {
  return async ({ run, evaluations }: KeepEvaluationsInput): Promise<KeepEvaluationsResult> => {
    const evaluated: EvaluatedRun = {
      ...run,
      evaluations: await Promise.all(evaluations.map((made) => evaluationOf(cache, made))),
    };
    return { evaluated: await cache.put(evaluated) };
  };
}

async function evaluationOf({ store }: JsonCache, made: Made): Promise<EvaluateResult> {
  const { manifest } = required(await readManifest(store, store.keyOf(made.manifest)), made.manifest.uri);
  const { scores } = manifest.summary as { readonly scores: TaskScores };
  return { ...made, judgments: required(manifest.outputs['judgments'], 'judgments'), scores };
}
