/**
 * Payloads of the activities of `retrain`, `promote` and `rollback`, which look for new data, compare a candidate with
 * the promoted version, and switch a name. Refs and small summaries, as in activities.ts. `retrain` and `promote` share
 * the path from a finished experiment to a promotion: workflows/promotion/gated-promotion.ts.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode, Split } from '../judge/example.ts';
import type { GateCheck } from '../judge/promotion/gate.ts';
import type { EvaluateResult, PolicyState, RunSummary } from './activities.ts';

export type { GateCheck };

/** One version of a name in the registry; immutable. */
export interface PromotedVersion {
  readonly name: string;
  /** 1, 2, ... without gaps. */
  readonly version: number;
  readonly policy: PolicyState;
  readonly checkpoint: ArtifactRef;
  /** Answer mode of the judge. */
  readonly mode: AnswerMode;
  /** Recipe of its training and evaluation. */
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  /** Digest of the dataset's sources: their declarations and the bytes of their files (data-digest.ts). */
  readonly dataDigest: string;
  readonly experimentId: string;
  readonly runName: string;
  readonly evaluations: readonly EvaluateResult[];
  readonly gate?: ArtifactRef;
  readonly approvedBy?: string;
  /** ISO 8601, UTC. */
  readonly promotedAt: string;
}

export interface FindPromotedInput {
  readonly name: string;
}
export interface FindPromotedResult {
  /** Undefined if the name has no version, or if all of its versions were rolled back. */
  readonly promoted?: PromotedVersion;
  /** The name's revision, which a switch of the name requires; 0 for a new name. */
  readonly revision: number;
}

/** Selects the candidate among the runs of a finished experiment. Name and arm default to the recipe's `promotion`. */
export interface FindCandidateInput {
  readonly experimentId: string;
  readonly name?: string;
  readonly arm?: string;
  /** Default: the recipe's first seed. */
  readonly seed?: number;
  /** A person's reason for promoting a candidate that the gate holds back; recorded in the history. */
  readonly forceReason?: string;
}
export interface FindCandidateResult {
  readonly name: string;
  readonly experimentId: string;
  readonly run: RunSummary & { readonly evaluations: readonly EvaluateResult[] };
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly dataDigest: string;
  readonly approval: { readonly required: boolean; readonly timeoutMs: number };
}

export interface InspectDataInput {
  /** As the user wrote it (JSON). */
  readonly recipe: unknown;
  readonly promoted?: PromotedVersion;
}
export interface InspectDataResult {
  readonly dataDigest: string;
  readonly changed: boolean;
  readonly sources: readonly {
    readonly path: string;
    readonly state: 'new' | 'changed' | 'same' | 'gone';
    readonly sha256: string;
  }[];
}

/** A policy's judgments on one split of a task. */
export interface JudgedTask {
  readonly task: string;
  readonly split: Split;
  readonly judgments: ArtifactRef;
}
/**
 * Judgments of the candidate and the promoted policy, both on the candidate's dataset and on the promoted version's, so
 * that a regression on old data is found.
 */
export interface GateInput {
  readonly recipe: ArtifactRef;
  /** The candidate's dataset. */
  readonly dataset: ArtifactRef;
  readonly candidate: { readonly evaluations: readonly EvaluateResult[] };
  readonly promoted?: Pick<PromotedVersion, 'name' | 'version' | 'recipe' | 'dataset'> & {
    /** Judgments on its own dataset. */
    readonly judged: readonly JudgedTask[];
  };
  readonly promotedOnNewData?: readonly JudgedTask[];
  readonly candidateOnOldData?: readonly JudgedTask[];
}
export interface GateResult {
  readonly passed: boolean;
  readonly checks: readonly GateCheck[];
  /** JSON: the rules, the checks and the outcome. */
  readonly gate: ArtifactRef;
}

export interface PromoteInput {
  readonly name: string;
  /** The name's revision at the time of the comparison; PROMOTION_CONFLICT if it has changed. */
  readonly revision: number;
  readonly candidate: Omit<PromotedVersion, 'name' | 'version' | 'promotedAt'>;
  /** Reason given by a person; recorded in the history. */
  readonly reason?: string;
}
export interface PromoteResult {
  readonly promoted: PromotedVersion;
  readonly revision: number;
}

export interface RollBackInput {
  readonly name: string;
  /** The name's revision, from `findPromoted`; PROMOTION_CONFLICT if it has changed. */
  readonly revision: number;
  /** The version to go back to. Default: the version that the promoted one replaced, which may be none. */
  readonly to?: number;
  readonly by: string;
  readonly reason?: string;
}
export interface RollBackResult {
  /** Undefined if nothing was promoted. */
  readonly from?: PromotedVersion;
  /** Undefined if nothing is promoted now. */
  readonly promoted?: PromotedVersion;
  readonly revision: number;
}

export interface NotifyInput {
  /** The recipe that declares the webhooks and commands. */
  readonly recipe: ArtifactRef;
  readonly event: {
    readonly kind: 'no-new-data' | 'held-back' | 'approval-wanted' | 'rejected' | 'promoted' | 'rolled-back' | 'failed';
    readonly name: string;
    readonly experimentId: string;
    readonly text: string;
  };
}
export interface NotifyResult {
  readonly deliveredCount: number;
  readonly failures: readonly string[];
}

export interface RetrainingActivities {
  findPromoted(input: FindPromotedInput): Promise<FindPromotedResult>;
  findCandidate(input: FindCandidateInput): Promise<FindCandidateResult>;
  inspectData(input: InspectDataInput): Promise<InspectDataResult>;
  gate(input: GateInput): Promise<GateResult>;
  promote(input: PromoteInput): Promise<PromoteResult>;
  rollBack(input: RollBackInput): Promise<RollBackResult>;
  notify(input: NotifyInput): Promise<NotifyResult>;
}
