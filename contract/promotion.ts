/** What the workflows `promote`, `rollback` and `retrain` take and give: JSON, a documented interface (docs/operations.md). */
import type { GateResult, InspectDataResult, NotifyResult, PromotedVersion, RollBackResult } from './retraining.ts';
import type { Decision } from './messages.ts';

/** The outcome of a candidate at the gate and after it. */
export interface GatedPromotion {
  readonly status: 'promoted' | 'held-back' | 'rejected';
  readonly name: string;
  readonly experimentId: string;
  readonly runName: string;
  /** In words. */
  readonly why: string;
  readonly gate: GateResult;
  /** If approval was requested and answered. */
  readonly decision?: Decision;
  readonly promoted?: PromotedVersion;
  readonly notifications: NotifyResult;
}

export interface RollbackInput {
  readonly name: string;
  /** The version to go back to; the one before the promoted one when left out. */
  readonly to?: number;
  readonly by: string;
  readonly reason?: string;
}
export interface RollbackResult extends RollBackResult {
  readonly notifications: NotifyResult;
}

export interface RetrainInput {
  /** As the user wrote it (JSON), with a `promotion`. */
  readonly recipe: unknown;
  /** What the schedule's last retraining took up; a workflow that a schedule started knows it by itself. */
  readonly lastTried?: Tried;
}

/** The recipe and data of a candidate, whatever its outcome. */
export interface Tried {
  readonly recipeDigest: string;
  readonly dataDigest: string;
}

export interface RetrainResult {
  readonly outcome: 'no-new-data' | GatedPromotion['status'];
  /** In the registry. */
  readonly name: string;
  /** In words. */
  readonly why: string;
  readonly tried: Tried;
  readonly sources: InspectDataResult['sources'];
  /** What trained the candidate; left out when nothing was trained. */
  readonly experimentId?: string;
  /** The version that the name had when the retraining began. */
  readonly startedFromVersion?: number;
  readonly promotion?: GatedPromotion;
}
