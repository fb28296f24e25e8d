/** A run's log, read back: from its last snapshot over the ones before it to the policy it started from. */
import pMap from 'p-map';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { JsonCache } from '../json-cache.ts';
import type { Snapshot } from './snapshot-artifact.ts';
import type { StepRecord } from './step-record.ts';

export interface LoggedSnapshot extends Snapshot {
  readonly ref: ArtifactRef;
}

const readCountMax = 16;

/** Snapshots in order, the first one of step 0: what came before is another run's. */
export async function snapshotsOf(cache: JsonCache, { snapshot }: PolicyState): Promise<LoggedSnapshot[]> {
  const newestFirst: LoggedSnapshot[] = [];
  for (let next: ArtifactRef | null = snapshot; next;) {
    const value = (await cache.get(next)) as Snapshot;
    newestFirst.push({ ...value, ref: next });
    next = value.step === 0 ? null : value.previous;
  }
  return newestFirst.reverse();
}

/** Step records in order, of all steps. */
export async function recordsOf(cache: JsonCache, policy: PolicyState): Promise<StepRecord[]> {
  const snapshots = await snapshotsOf(cache, policy);
  return readRecords(cache, [...snapshots.flatMap(({ records }) => records), ...policy.log]);
}

export function readRecords(cache: JsonCache, refs: readonly ArtifactRef[]): Promise<StepRecord[]> {
  return pMap(refs, async (ref) => (await cache.get(ref)) as StepRecord, { concurrency: readCountMax });
}

/** Steps that are done after this one. */
export function endOf({ steps }: StepRecord): number {
  return (steps.at(-1)?.step ?? -1) + 1;
}
