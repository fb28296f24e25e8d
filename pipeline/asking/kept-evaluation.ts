/** Reads stored evaluations. The manifest of `evaluate` holds all scores; workflows pass on a few of them. */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readManifest } from '../../artifacts/manifest.ts';
import { required } from '../../core/assert.ts';
import type { EvaluateResult, KeptEvaluation, Made, ScoreSummary, TaskScores } from '../../contract/activities.ts';

/** Reads an evaluation from its manifest. Throws if the manifest no longer exists. */
export async function keptEvaluation(store: ArtifactStore, made: Made): Promise<KeptEvaluation> {
  const { manifest } = required(await readManifest(store, store.keyOf(made.manifest)), made.manifest.uri);
  const { scores } = manifest.summary as { readonly scores: TaskScores };
  const { manifest: ref, cached, computeMs } = made;
  return { manifest: ref, cached, computeMs, judgments: required(manifest.outputs['judgments'], 'judgments'), scores };
}

/** The evaluation as workflows pass it on. Earlier versions stored all scores instead of a summary. */
export function briefly(evaluation: EvaluateResult): EvaluateResult {
  return { ...evaluation, scores: summaryOf(evaluation.scores) };
}

export function summaryOf(scores: ScoreSummary): ScoreSummary {
  const { task, split, ood, exampleCount, macroF1, ci95, accuracy, majorityMacroF1 } = scores;
  const { unparsableRate, truncatedRate } = scores;
  return {
    ...{ task, split, ood, exampleCount },
    ...(macroF1 !== undefined && { macroF1 }),
    ...(ci95 !== undefined && { ci95 }),
    accuracy,
    ...(majorityMacroF1 !== undefined && { majorityMacroF1 }),
    ...{ unparsableRate, truncatedRate },
  };
}
