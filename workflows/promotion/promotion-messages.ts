/** The update and the query of a workflow that waits for an approval. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ApprovalStanding, Decision } from '../../contract/messages.ts';

/** Returns the accepted decision; rejected (DECISION_REFUSED) if malformed, too early, too late, or a second one. */
export const decideUpdate = defineUpdate<Decision, [Decision]>('decide');
export const approvalQuery = defineQuery<ApprovalStanding>('approval');
