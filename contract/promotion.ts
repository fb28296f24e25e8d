/** What the workflows `promote` and `rollback` take and give: JSON, a documented interface. */
import type { GateResult, NotifyResult, PromotedVersion, RollBackResult } from './retraining.ts';
import type { Decision } from '../workflows/promotion/promotion-messages.ts';

/** How a candidate fared at the gate and behind it. */
export interface GatedPromotion {
  readonly status: 'promoted' | 'held-back' | 'rejected';
  readonly name: string;
  readonly experimentId: string;
  readonly runName: string;
  /** In words. */
  readonly why: string;
  readonly gate: GateResult;
  /** Where somebody was asked and answered. */
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
