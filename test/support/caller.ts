import type { Caller } from '../../pipeline/heartbeat.ts';

/** A caller of a step that never cancels, unless it is given a signal. */
export function callerWith({
  heartbeat = () => undefined,
  cancellationSignal = new AbortController().signal,
}: Partial<Caller> = {}): Caller {
  return { heartbeat, cancellationSignal, request: { workflowId: 'a-workflow', runId: 'its-run', activityId: '1' } };
}
