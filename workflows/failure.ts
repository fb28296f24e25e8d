/** Reports why a workflow failed: repeats the coded failure in the chain of causes where a user looks first. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  getCurrentDetails,
  isCancellation,
  setCurrentDetails,
  TemporalFailure,
} from '@temporalio/workflow';
import { failureDetails } from './training/details.ts';
import { upsertAttributes } from './search-attributes.ts';

/** Marks the workflow failed or cancelled and returns what it must throw. `where` names the part that failed. */
export function endedBadly(error: unknown, where?: string): unknown {
  if (isCancellation(error)) {
    upsertAttributes({ state: 'cancelled' });
    return error;
  }
  // A bug in workflow code does not fail the workflow: the task is retried until the code is fixed.
  if (!(error instanceof TemporalFailure)) return error;
  upsertAttributes({ state: 'failed' });
  const root = rootFailure(error);
  const leftOpen = error instanceof WorkflowExecutionAlreadyStartedError ? error.workflowId : undefined;
  const rootMessage = leftOpen === undefined ? (root?.message ?? error.message) : openMessage(leftOpen);
  const message = where === undefined ? rootMessage : `${where}: ${rootMessage}`;
  const type = root?.type ?? (leftOpen === undefined ? 'INVARIANT' : 'EXPERIMENT_RUNNING');
  setCurrentDetails(failureDetails(type, message, getCurrentDetails()));
  return ApplicationFailure.create({
    message,
    type,
    nonRetryable: true,
    ...(root?.details ? { details: root.details } : {}),
    cause: error,
  });
}

function openMessage(workflowId: string): string {
  const [experimentId = workflowId] = workflowId.split('/');
  return `a workflow of an earlier execution of this experiment is still open: ${workflowId}\n  do    cancel it with \`mtrl cancel ${experimentId}\`, then \`mtrl resume ${experimentId}\``;
}

/** The first ApplicationFailure in the chain of causes: that of an activity or of a child workflow. */
export function rootFailure(error: unknown): ApplicationFailure | undefined {
  let found: ApplicationFailure | undefined;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure) found ??= cause;
  }
  return found;
}
