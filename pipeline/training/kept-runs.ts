/**
 * A whole run under one key: one that was made before is found at once and not step by step. Its steps stay under keys of
 * their own, so a run that differs anywhere does again only what differs.
 */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { findMade, memoize, type Work } from '../../artifacts/manifest.ts';
import { missingPart } from '../../artifacts/store/complete.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { FindRunInput, KeepRunInput, KeptRun, RunOutcome } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { environment } from '../durable.ts';

/** null: no such run was kept, or parts of it are gone. */
export function createFindRun(deps: ControlDeps) {
  return async (input: FindRunInput): Promise<KeptRun | null> => {
    const found = await findMade<RunOutcome>(deps.store, workOf(deps, input));
    if (found === undefined) return null;
    const { checkpoint, policy, mixture } = found.manifest.summary;
    const outputs = { checkpoint, snapshot: policy.snapshot, mixture };
    const missing = await missingPart(deps.store, { ...found.manifest, outputs });
    return missing === undefined ? { ...found.manifest.summary, manifest: found.ref } : null;
  };
}

export function createKeepRun(deps: ControlDeps) {
  return async ({ outcome, ...input }: KeepRunInput): Promise<{ readonly manifest: ArtifactRef }> => {
    // No outputs: lineage asks which activity made an artifact, and those of the steps did.
    const made = await memoize<RunOutcome>(deps.store, workOf(deps, input), () =>
      Promise.resolve({ outputs: {}, summary: outcome, computeMs: 0 }),
    );
    return { manifest: made.ref };
  };
}

/** The recipe holds all else that decides it: the arm's settings, the tasks, the number of steps. */
function workOf({ codeVersion }: ControlDeps, { recipe, dataset, arm, seed, initial }: FindRunInput): Work {
  return {
    activity: 'run',
    codeVersion: codeVersion('run'),
    inputs: { recipe, dataset, snapshot: initial.snapshot, log: initial.log },
    config: asJson({ arm, seed }),
    environment,
  };
}
