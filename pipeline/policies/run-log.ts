/** Reads a run's log back from its last snapshot through the previous ones to its initial policy. */
import pMap from 'p-map';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { PolicyState, RunSummary } from '../../contract/activities.ts';
import type { JsonCache } from '../json-cache.ts';
import { type Snapshot, snapshotFormat } from './snapshot-artifact.ts';
import { type StepRecord, stepRecordFormat } from './step-record.ts';

export interface LoggedSnapshot extends Snapshot {
  readonly ref: ArtifactRef;
}

const readCountMax = 16;

/** Snapshots in step order, from the one of step 0: those before it belong to another run. */
export async function snapshotsOf(cache: JsonCache, { snapshot }: PolicyState): Promise<LoggedSnapshot[]> {
  const newestFirst: LoggedSnapshot[] = [];
  for (let next: ArtifactRef | null = snapshot; next;) {
    const value: Snapshot = await cache.getDocument(next, snapshotFormat);
    newestFirst.push({ ...value, ref: next });
    next = value.step === 0 ? null : value.previous;
  }
  return newestFirst.reverse();
}

/** The policy after a run's last step, which ends its log: a validation may have selected an earlier one. */
export function lastPolicyOf({ policy, selection }: Pick<RunSummary, 'policy' | 'selection'>): PolicyState {
  return selection?.lastPolicy ?? policy;
}

/** The step records of all steps, in order. */
export async function recordsOf(cache: JsonCache, policy: PolicyState): Promise<StepRecord[]> {
  const snapshots = await snapshotsOf(cache, policy);
  return readRecords(cache, [...snapshots.flatMap(({ records }) => records), ...policy.log]);
}

export function readRecords(cache: JsonCache, refs: readonly ArtifactRef[]): Promise<StepRecord[]> {
  return pMap(refs, async (ref) => await cache.getDocument(ref, stepRecordFormat), { concurrency: readCountMax });
}

/** Number of steps that are done after this record. */
export function endOf({ steps }: StepRecord): number {
  return (steps.at(-1)?.step ?? -1) + 1;
}
