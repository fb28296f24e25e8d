/** Runs a pipeline step as a Temporal activity: heartbeats, cancellation, and retryable or permanent failures. */
import { Context } from '@temporalio/activity';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { Caller } from '../pipeline/heartbeat.ts';
import { toFailure } from './failure.ts';

/** No artifact that the work writes or finds in the store is garbage-collected before the work ends. */
export function asActivity<I, R>(
  store: ArtifactStore,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I) => Promise<R> {
  return async (input) => {
    const context = Context.current();
    try {
      return await store.protect(() => work(input, callerIn(context)));
    } catch (error) {
      throw toFailure(error, context.info.attempt);
    }
  };
}

function callerIn(context: Context): Caller {
  const { workflowExecution, activityId } = context.info;
  const { workflowId, runId } = workflowExecution ?? {};
  return {
    heartbeat: (details) => {
      context.heartbeat(details);
    },
    cancellationSignal: context.cancellationSignal,
    request: { activityId, ...(workflowId !== undefined && { workflowId }), ...(runId !== undefined && { runId }) },
  };
}
