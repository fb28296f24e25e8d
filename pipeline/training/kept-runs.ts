/**
 * Stores a whole run under one key, so that an equal run is found at once and not step by step. Its steps keep their
 * own keys: a run that differs repeats only what differs.
 */
import { missingPart } from '../../artifacts/store/complete.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { FindRunInput, KeepRunInput, KeptRun, RunOutcome } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { durable, findDurable, type Key } from '../durable.ts';

/** Returns null if no such run is stored or parts of it are missing. */
export function createFindRun(deps: ControlDeps) {
  return async (input: FindRunInput): Promise<KeptRun | null> => {
    const found = await findDurable<RunOutcome>(deps, 'run', keyOf(input));
    if (found === undefined) return null;
    const { checkpoint, policy, mixture, selection } = found.manifest.summary;
    const last = selection && { last: selection.lastPolicy.snapshot };
    const outputs = { checkpoint, snapshot: policy.snapshot, mixture, ...last };
    const missing = await missingPart(deps.store, { ...found.manifest, outputs });
    return missing === undefined ? { ...found.manifest.summary, manifest: found.ref } : null;
  };
}

export function createKeepRun(deps: ControlDeps) {
  return async ({ outcome, ...input }: KeepRunInput): Promise<{ readonly manifest: ArtifactRef }> => {
    // No outputs: lineage must name the activities of the steps as the makers of the artifacts.
    const kept = () => Promise.resolve({ outputs: {}, summary: outcome, computeMs: 0 });
    const { manifest } = await durable(deps, 'run', keyOf(input), kept);
    return { manifest };
  };
}

/** The recipe covers everything else that determines a run: the arm's settings, the tasks, the step count. */
function keyOf({ recipe, dataset, arm, seed, initial }: FindRunInput): Key {
  return { inputs: { recipe, dataset, snapshot: initial.snapshot, log: initial.log }, config: { arm, seed } };
}
