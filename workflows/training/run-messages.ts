/**
 * What an operator says to a run while it trains, through `temporal workflow update execute --name ...`: a documented
 * interface (docs/operations.md), JSON in, JSON out.
 */
import { defineUpdate } from '@temporalio/workflow';

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

/** Answers with the budget as it is from now on; refused (BUDGET_REFUSED) when steps beyond it are done already. A stop that was asked for before is forgotten. */
export const changeBudgetUpdate = defineUpdate<Budget, [BudgetChange]>('changeBudget');
/** Ends the run after a step, with a snapshot and an ordinary result. */
export const stopAfterStepUpdate = defineUpdate<Budget, [StopRequest]>('stopAfterStep');
