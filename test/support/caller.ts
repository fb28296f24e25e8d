import type { Caller } from '../../pipeline/heartbeat.ts';

/** Somebody who waits for a step: never cancels, unless given a signal that does. */
export function callerWith({
  heartbeat = () => undefined,
  cancellationSignal = new AbortController().signal,
}: Partial<Caller> = {}): Caller {
  return { heartbeat, cancellationSignal, request: { workflowId: 'a-workflow', runId: 'its-run', activityId: '1' } };
}
