import type { ArtifactRef } from '../../artifacts/ref.ts';

/** A policy from which training can continue. Its digest identifies the policy and its history, so it contains no times. */
export interface Snapshot {
  readonly schema: 1;
  /** Steps that the run had done; 0 for a policy that a run starts from. */
  readonly step: number;
  /** Folder in Hugging Face layout: config, weights, tokenizer, templates. */
  readonly checkpoint: ArtifactRef;
  /** AdamW's moments and update count; null when the optimizer state is new. */
  readonly optimizer: ArtifactRef | null;
  /** Step records since the snapshot before, in order. */
  readonly records: readonly ArtifactRef[];
  readonly previous: ArtifactRef | null;
}
