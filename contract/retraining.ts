/**
 * What passes between the workflows `retrain`, `promote` and `rollback` and their activities: is there new data, is the
 * candidate better, may it have the name. Refs and small summaries, as in activities.ts. The way from a finished
 * experiment to a promotion is the same for all who go it: workflows/promotion/gated-promotion.ts.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode, Split } from '../judge/example.ts';
import type { GateCheck } from '../judge/promotion/gate.ts';
import type { EvaluateResult, PolicyState, RunSummary } from './activities.ts';

export type { GateCheck };

/** One version of a name in the registry; written once, never changed. */
export interface PromotedVersion {
  readonly name: string;
  /** From 1, without gaps. */
  readonly version: number;
  readonly policy: PolicyState;
  readonly checkpoint: ArtifactRef;
  /** How it is asked to answer. */
  readonly mode: AnswerMode;
  /** What it was trained and evaluated on. */
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  /** Of the source files the dataset was read from (data-digest.ts). */
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
  /** Left out when the name has no version, or its versions were all rolled back. */
  readonly promoted?: PromotedVersion;
  /** What a conditional switch of the name must find; 0 when the name is new. */
  readonly revision: number;
}

/** What a finished experiment offers for promotion. The recipe's `promotion` says what is not said here. */
export interface FindCandidateInput {
  readonly experimentId: string;
  readonly name?: string;
  readonly arm?: string;
  /** The recipe's first when left out. */
  readonly seed?: number;
  /** A person's reason to promote what the gate holds back: kept in the history. */
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

/** What a policy answered to one test set. */
export interface JudgedTask {
  readonly task: string;
  readonly split: Split;
  readonly judgments: ArtifactRef;
}
/** The promoted policy judged on the candidate's dataset, and both on the promoted one's: old data is not forgotten. */
export interface GateInput {
  readonly recipe: ArtifactRef;
  /** The candidate's. */
  readonly dataset: ArtifactRef;
  readonly candidate: { readonly evaluations: readonly EvaluateResult[] };
  readonly promoted?: Pick<PromotedVersion, 'name' | 'version' | 'recipe' | 'dataset'> & {
    /** Of its own dataset. */
    readonly judged: readonly JudgedTask[];
  };
  readonly promotedOnNewData?: readonly JudgedTask[];
  readonly candidateOnOldData?: readonly JudgedTask[];
}
export interface GateResult {
  readonly passed: boolean;
  readonly checks: readonly GateCheck[];
  /** JSON of all of it, kept. */
  readonly gate: ArtifactRef;
}

export interface PromoteInput {
  readonly name: string;
  /** The registry's revision that the gate compared with: another one is PROMOTION_CONFLICT. */
  readonly revision: number;
  readonly candidate: Omit<PromotedVersion, 'name' | 'version' | 'promotedAt'>;
  /** Why, in a person's words: kept in the history. */
  readonly reason?: string;
}
export interface PromoteResult {
  readonly promoted: PromotedVersion;
  readonly revision: number;
}

export interface RollBackInput {
  readonly name: string;
  /** As findPromoted gave it: another one is PROMOTION_CONFLICT. */
  readonly revision: number;
  /** The version to go back to; the one before the promoted one when left out, or none where there was none. */
  readonly to?: number;
  readonly by: string;
  readonly reason?: string;
}
export interface RollBackResult {
  /** Left out when nothing was promoted. */
  readonly from?: PromotedVersion;
  /** Left out when nothing is promoted now. */
  readonly promoted?: PromotedVersion;
  readonly revision: number;
}

export interface NotifyInput {
  /** Where webhooks and commands are declared. */
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
