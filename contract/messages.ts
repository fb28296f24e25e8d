/**
 * What a person says to a workflow, through `mtrl` or `temporal workflow update execute --name ...`: to one that waits for
 * an approval (`decide`), and to a run while it trains (`changeBudget`, `stopAfterStep`). A documented interface
 * (docs/operations.md): JSON in, JSON out.
 */
export interface Decision {
  readonly decision: 'approve' | 'reject';
  /** Who decides: kept in the registry. */
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

export interface BudgetChange {
  /** Of the whole run, steps that are done included. */
  readonly stepCount: number;
}

export interface StopRequest {
  /** The last step to do, 0-based; the one that is being done when left out. */
  readonly step?: number;
}

/** How far a run goes now. */
export interface Budget {
  /** Of the mixture and the learning rate schedule. */
  readonly stepCount: number;
  /** The run ends before this step, when that comes first. */
  readonly stopBeforeStep?: number;
}
