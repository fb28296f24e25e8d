/**
 * Cancels a child that may have continued as new. The cancellation of a child's scope reaches only the execution that
 * was started: once that has continued as new, the request is accepted and lost.
 */
import { CancellationScope, getExternalWorkflowHandle } from '@temporalio/workflow';

export async function cancelNewestPart(workflowId: string): Promise<void> {
  try {
    // Named without a run id, it is whichever part is open now.
    await CancellationScope.nonCancellable(() => getExternalWorkflowHandle(workflowId).cancel());
  } catch {
    // It has ended meanwhile.
  }
}
