/** Activities of a workflow that were started and had to be started again, from its history. */
import type { WorkflowHandle } from '@temporalio/client';

type Events = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** TIMEOUT_TYPE_SCHEDULE_TO_START (temporal.api.enums.v1): the client does not export the enum. */
const neverStarted = 2 as unknown;

/**
 * Types, one for each repetition: by Temporal as a further attempt, or by the run as another activity, after one at the
 * worker that held its policy.
 */
export function repeatedActivities(events: Events | null | undefined): string[] {
  const types = new Map<string, string>();
  return (events ?? []).flatMap(({ eventId, ...event }) => {
    const type = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (type) types.set(String(eventId), type);
    const typeOf = ({ scheduledEventId }: { readonly scheduledEventId?: unknown }): string =>
      types.get(String(scheduledEventId)) ?? '';
    const { activityTaskStartedEventAttributes: started, activityTaskFailedEventAttributes: failed } = event;
    const { activityTaskTimedOutEventAttributes: timedOut } = event;
    const hasStarted = timedOut?.failure?.timeoutFailureInfo?.timeoutType !== neverStarted;
    return [
      ...(started ? Array<string>((started.attempt ?? 1) - 1).fill(typeOf(started)) : []),
      ...(failed ? [typeOf(failed)] : []),
      ...(timedOut && hasStarted ? [typeOf(timedOut)] : []),
    ];
  });
}
