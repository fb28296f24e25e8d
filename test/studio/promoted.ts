/** Promotes two runs of a made experiment to a name, one after the other, each through its gate. */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { EvaluateResult } from '../../contract/activities.ts';
import type { GateInput } from '../../contract/retraining.ts';
import { controlOf } from './control-of.ts';

const judgedTask = ({ judgments, scores: { task, split } }: EvaluateResult) => ({ task, split, judgments });

/** The gates of the versions 1 and 2 of `taste`: the runs of mt-rl with the seeds 0 and 1. */
export async function promoteTwice(store: ArtifactStore, experimentId: string) {
  const { control, run } = controlOf(store);
  const gates = [];
  for (const seed of [0, 1]) {
    const found = await run(control.findCandidate, { experimentId, name: 'taste', arm: 'mt-rl', seed });
    const { recipe, dataset, dataDigest, run: candidate } = found;
    const { promoted, revision } = await run(control.findPromoted, { name: 'taste' });
    const judged = promoted?.evaluations.map(judgedTask) ?? [];
    const contest: Partial<GateInput> = promoted
      ? {
          promoted: { name: 'taste', version: promoted.version, recipe, dataset, judged },
          ...{ promotedOnNewData: judged, candidateOnOldData: candidate.evaluations.map(judgedTask) },
        }
      : {};
    const gate = await run(control.gate, { recipe, dataset, candidate, ...contest });
    gates.push(gate);
    const { policy, checkpoint, evaluations, plan } = candidate;
    await run(control.promote, {
      ...{ name: 'taste', revision, reason: gate.passed ? 'better' : 'forced' },
      candidate: {
        ...{ policy, checkpoint, mode: plan.mode, recipe, dataset, dataDigest, experimentId, evaluations },
        ...{ runName: plan.runName, gate: gate.gate, approvedBy: 'anna' },
      },
    });
  }
  return gates;
}
