/**
 * Cancels a child that may have continued as new. Cancelling the child's scope reaches only the execution that was
 * started: once that has continued as new, the request is accepted and lost.
 */
import { CancellationScope, getExternalWorkflowHandle } from '@temporalio/workflow';

export async function cancelNewestPart(workflowId: string): Promise<void> {
  try {
    // Without a run id this addresses the execution that is open now.
    await CancellationScope.nonCancellable(() => getExternalWorkflowHandle(workflowId).cancel());
  } catch {
    // It has already ended.
  }
}
