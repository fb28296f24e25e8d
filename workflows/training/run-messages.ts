/** The updates that an operator can send to a run. */
import { defineUpdate } from '@temporalio/workflow';
import type { Budget, BudgetChange, StopRequest } from '../../contract/messages.ts';

/**
 * Returns the new budget; rejected (BUDGET_REFUSED) if steps beyond it are already done. Drops an earlier requested
 * stop.
 */
export const changeBudgetUpdate = defineUpdate<Budget, [BudgetChange]>('changeBudget');
/** Ends the run after a step, with a snapshot and an ordinary result. */
export const stopAfterStepUpdate = defineUpdate<Budget, [StopRequest]>('stopAfterStep');
