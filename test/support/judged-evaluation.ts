import type { KeptEvaluation, TaskScores } from '../../contract/activities.ts';
import { memoize } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { EvaluationJudgments } from '../../pipeline/asking/judgments-artifact.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';

/**
 * An evaluation that is correct on the first `rightCount` of the six `safety` examples in the tiny recipe's dataset.
 */
export async function judgedEvaluation(
  store: ArtifactStore,
  dataset: ArtifactRef,
  rightCount: number,
): Promise<KeptEvaluation> {
  const opened = await openDataset(new JsonCache(store), dataset);
  const rows = await opened.rowsOf('safety', 'test');
  const examples = await opened.examplesAt(rows);
  const asked = examples.map((example, i) => ({ example, exampleIndex: rows[i] ?? -1 }));
  const artifact: EvaluationJudgments = {
    ...{ schema: 1, task: 'safety' },
    judgments: asked.map(({ example: { id, label }, exampleIndex }, i) => {
      const verdict = i < rightCount ? label : label === 'yes' ? 'no' : 'yes';
      const judgment = { ok: true as const, verdict, rationale: '' };
      return { exampleId: id, exampleIndex, swapped: false, label, text: '', finishReason: 'stop' as const, judgment };
    }),
  };
  const rates = { accuracy: 1, majorityMacroF1: 0.3, unparsableRate: 0, truncatedRate: 0 };
  const scores: TaskScores = {
    ...{ task: 'safety', split: 'test', ood: false, exampleCount: 6, macroF1: rightCount / 6, ci95: [0, 1], ...rates },
    unparsableByReason: { truncated: 0 },
  };
  const judgments = await store.putJson(artifact);
  const work = { activity: 'evaluate', codeVersion: 'code 1', inputs: { judgments }, config: {}, environment: {} };
  const outcome = { outputs: { judgments }, summary: { scores }, computeMs: 1 };
  const { ref } = await memoize(store, work, () => Promise.resolve(outcome));
  return { manifest: ref, cached: false, computeMs: 1, judgments, scores };
}
