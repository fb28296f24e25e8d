/**
 * Updates that a person sends to a workflow, through `mtrl` or `temporal workflow update execute --name ...`: `decide`
 * to a workflow that waits for an approval, `changeBudget` and `stopAfterStep` to a run that trains. A documented
 * interface (docs/operations.md): JSON in, JSON out.
 */
export interface Decision {
  readonly decision: 'approve' | 'reject';
  /** Who decides; recorded in the registry. */
  readonly by: string;
  readonly reason?: string;
}

export interface ApprovalStanding {
  readonly state: 'not-asked' | 'waiting' | 'approved' | 'rejected' | 'timed-out';
  /** The name in the registry that the candidate would take; set when an approval is requested. */
  readonly name?: string;
  /** Unix time at which the approval times out, in milliseconds; set when an approval is requested. */
  readonly untilMs?: number;
  readonly decision?: Decision;
}

export interface BudgetChange {
  /** Steps of the whole run, including finished ones. */
  readonly stepCount: number;
}

export interface StopRequest {
  /** The last step of the run, 0-based. Default: the step in progress. */
  readonly step?: number;
}

/** How far a run trains. */
export interface Budget {
  /** Steps for which the mixture and the learning rate schedule are planned. */
  readonly stepCount: number;
  /** The run ends before this step if it is less than `stepCount`. */
  readonly stopBeforeStep?: number;
}
