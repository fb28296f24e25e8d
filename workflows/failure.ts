/** Why a workflow ended badly: the one coded failure at the root of the chain, said again where a user looks first. */
import { ApplicationFailure, isCancellation, TemporalFailure } from '@temporalio/workflow';
import { upsertAttributes } from './search-attributes.ts';

/** Marks the workflow failed or cancelled and returns what it must throw. `where` names the part that failed. */
export function endedBadly(error: unknown, where?: string): unknown {
  if (isCancellation(error)) {
    upsertAttributes({ state: 'cancelled' });
    return error;
  }
  // A bug in workflow code is no failure of the workflow: the task is retried until the code is mended.
  if (!(error instanceof TemporalFailure)) return error;
  upsertAttributes({ state: 'failed' });
  const root = rootFailure(error);
  const message = root?.message ?? error.message;
  return ApplicationFailure.create({
    message: where === undefined ? message : `${where}: ${message}`,
    type: root?.type ?? 'INVARIANT',
    nonRetryable: true,
    ...(root?.details ? { details: root.details } : {}),
    cause: error,
  });
}

function rootFailure(error: Error): ApplicationFailure | undefined {
  let found: ApplicationFailure | undefined;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure) found ??= cause;
  }
  return found;
}
