/** What a workflow that waits for an approval hears, and says of it. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ApprovalStanding, Decision } from '../../contract/messages.ts';

/** Answers with the decision as it was taken; refused (DECISION_REFUSED) when it is malformed, early, late or the second. */
export const decideUpdate = defineUpdate<Decision, [Decision]>('decide');
export const approvalQuery = defineQuery<ApprovalStanding>('approval');
