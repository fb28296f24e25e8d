/** A run's log, read back: from its last snapshot over the ones before it to the policy it started from. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { PolicyState } from './contract.ts';
import type { JsonCache } from './json-cache.ts';
import type { Snapshot } from './snapshot-artifact.ts';
import type { StepRecord } from './step-record.ts';

/** Step records in order. Stops at step 0: what came before is another run's. */
export async function recordsOf(cache: JsonCache, { snapshot, log }: PolicyState): Promise<StepRecord[]> {
  let refs: readonly ArtifactRef[] = log;
  for (let next: ArtifactRef | null = snapshot; next;) {
    const { step, records, previous } = (await cache.get(next)) as Snapshot;
    refs = [...records, ...refs];
    next = step === 0 ? null : previous;
  }
  return Promise.all(refs.map(async (ref) => (await cache.get(ref)) as StepRecord));
}
