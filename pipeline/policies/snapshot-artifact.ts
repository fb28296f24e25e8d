import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';

/**
 * A policy from which training can continue. Its digest identifies the policy and its history: it contains no times.
 */
export interface Snapshot {
  readonly schema: 1;
  /** Number of steps that the run had done; 0 for an initial policy. */
  readonly step: number;
  /** Folder in Hugging Face layout: config, weights, tokenizer, templates. */
  readonly checkpoint: ArtifactRef;
  /** AdamW's moments and update count; null for a new optimizer state. */
  readonly optimizer: ArtifactRef | null;
  /** Step records since the previous snapshot, in order. */
  readonly records: readonly ArtifactRef[];
  readonly previous: ArtifactRef | null;
  /** The snapshots whose mean this is; absent otherwise. It is of the same step as `previous`, the last of them. */
  readonly averaged?: readonly ArtifactRef[];
}

export const snapshotFormat: Format<Snapshot> = { what: 'the snapshot', schema: 1 };
