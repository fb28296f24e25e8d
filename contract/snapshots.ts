/** Snapshots of a run's policy, and their mean. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { Held, Made, PolicyState } from './activities.ts';

export interface SnapshotInput {
  readonly policy: PolicyState;
  readonly step: number;
}
export interface SnapshotResult extends Made, Held {
  /** Snapshot manifest: weights, optimizer state, step, refs to the records it includes and the previous snapshot. */
  readonly snapshot: ArtifactRef;
  /** Checkpoint manifest in Hugging Face layout; its digest is the policy's. */
  readonly checkpoint: ArtifactRef;
  /** Bytes of all files of the checkpoint and of the optimizer's state; absent in earlier histories, and for a mean. */
  readonly byteLength?: number;
}

export interface AverageSnapshotsInput {
  /** The end of a run: a snapshot with an empty log. */
  readonly policy: PolicyState;
  /** Number of its last snapshots; fewer if it has fewer. */
  readonly count: number;
}
