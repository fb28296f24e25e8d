/**
 * What a person says to a workflow that waits for an approval (`retrain`, `promote`), through `mtrl approve` or
 * `temporal workflow update execute --name decide`; and how that stands. A documented interface: JSON in, JSON out.
 */
import { defineQuery, defineUpdate } from '@temporalio/workflow';

export interface Decision {
  readonly decision: 'approve' | 'reject';
  /** Who says so: kept in the registry. */
  readonly by: string;
  readonly reason?: string;
}

export interface ApprovalStanding {
  readonly state: 'not-asked' | 'waiting' | 'approved' | 'rejected' | 'timed-out';
  /** The name in the registry that the candidate would take; once asked. */
  readonly name?: string;
  /** Unix time until which an answer counts; once asked. */
  readonly untilMs?: number;
  readonly decision?: Decision;
}

/** Answers with the decision as it was taken; refused (DECISION_REFUSED) when it is malformed, early, late or the second. */
export const decideUpdate = defineUpdate<Decision, [Decision]>('decide');
export const approvalQuery = defineQuery<ApprovalStanding>('approval');
