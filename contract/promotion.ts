/**
 * Inputs and results of the workflows `promote`, `rollback` and `retrain`, as JSON: a documented interface
 * (docs/operations.md).
 */
import type { GateResult, InspectDataResult, NotifyResult, PromotedVersion, RollBackResult } from './retraining.ts';
import type { Decision } from './messages.ts';

/** The outcome of the gate and the approval for one candidate. */
export interface GatedPromotion {
  readonly status: 'promoted' | 'held-back' | 'rejected';
  readonly name: string;
  readonly experimentId: string;
  readonly runName: string;
  /** Explanation in words. */
  readonly why: string;
  readonly gate: GateResult;
  /** The approver's decision, if one was requested and made. */
  readonly decision?: Decision;
  readonly promoted?: PromotedVersion;
  readonly notifications: NotifyResult;
}

export interface RollbackInput {
  readonly name: string;
  /** The version to go back to. Default: the version that the promoted one replaced. */
  readonly to?: number;
  readonly by: string;
  readonly reason?: string;
}
export interface RollbackResult extends RollBackResult {
  readonly notifications: NotifyResult;
}

export interface RetrainInput {
  /** As the user wrote it (JSON); must have a `promotion` section. */
  readonly recipe: unknown;
  /** Digests of the schedule's last retraining. Default: taken from the schedule's last result. */
  readonly lastTried?: Tried;
}

/** Digests of a retraining's recipe and data, whatever its outcome. */
export interface Tried {
  readonly recipeDigest: string;
  readonly dataDigest: string;
}

export interface RetrainResult {
  readonly outcome: 'no-new-data' | GatedPromotion['status'];
  /** Name in the registry. */
  readonly name: string;
  /** Explanation in words. */
  readonly why: string;
  readonly tried: Tried;
  readonly sources: InspectDataResult['sources'];
  /** The experiment that trained the candidate; undefined if nothing was trained. */
  readonly experimentId?: string;
  /** The name's version when the retraining began. */
  readonly startedFromVersion?: number;
  readonly promotion?: GatedPromotion;
}
