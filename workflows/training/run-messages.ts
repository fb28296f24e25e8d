/** What a run hears from its operator. */
import { defineUpdate } from '@temporalio/workflow';
import type { Budget, BudgetChange, StopRequest } from '../../contract/messages.ts';

/** Answers with the budget as it is from now on; refused (BUDGET_REFUSED) when steps beyond it are done already. A stop that was asked for before is forgotten. */
export const changeBudgetUpdate = defineUpdate<Budget, [BudgetChange]>('changeBudget');
/** Ends the run after a step, with a snapshot and an ordinary result. */
export const stopAfterStepUpdate = defineUpdate<Budget, [StopRequest]>('stopAfterStep');
