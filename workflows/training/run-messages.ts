/** What a run hears from its operator. */
import { defineUpdate } from '@temporalio/workflow';
import type { Budget, BudgetChange, StopRequest } from '../../contract/messages.ts';

/** Returns the new budget; rejected (BUDGET_REFUSED) if steps beyond it are already done. An earlier requested stop is dropped. */
export const changeBudgetUpdate = defineUpdate<Budget, [BudgetChange]>('changeBudget');
/** Ends the run after a step, with a snapshot and an ordinary result. */
export const stopAfterStepUpdate = defineUpdate<Budget, [StopRequest]>('stopAfterStep');
