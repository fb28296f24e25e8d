/** Schedules that start `retrain`, through a Temporal client; failures become coded errors. */
import {
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleExecutionResult,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  type ScheduleSummary,
  type ScheduleUpdateOptions,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';
import { commandText } from '../show/output.ts';
import { overlapWord, timesText } from './schedule-words.ts';
import type { TemporalStack } from './stack.ts';
import { searchAttributes } from '../../contract/search-attributes.ts';

export const retrainType = 'retrain';

/** Throws USAGE if the name is taken or the server cannot parse the times. */
export async function createSchedule({ client }: TemporalStack, options: ScheduleOptions): Promise<ScheduleHandle> {
  const { scheduleId: name } = options;
  try {
    return await withTimes(name, () => client.schedule.create(options));
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    throw new MtrlError('USAGE', 'a schedule with this name exists', {
      where: `schedule ${name}`,
      hint: `change it by \`${commandText('schedule', 'update', name)}\`, or take another name`,
      cause: error,
    });
  }
}

/** Throws NOT_FOUND, or USAGE if the server cannot parse the times. */
export async function updateSchedule(
  stack: TemporalStack,
  name: string,
  change: (before: ScheduleDescription) => ScheduleUpdateOptions,
): Promise<ScheduleDescription> {
  return withSchedule(stack, name, async (handle) => {
    await withTimes(name, () => handle.update(change));
    return handle.describe();
  });
}

async function withTimes<T>(name: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    // The client throws a TypeError for the server's INVALID_ARGUMENT.
    if (!(error instanceof TypeError)) throw error;
    throw new MtrlError('USAGE', 'Temporal rejects the times of the schedule', {
      where: `schedule ${name}`,
      found: error.message,
      hint: "--cron takes minute, hour, day, month and weekday, such as '0 3 * * *'; --timezone takes a name such as Europe/Rome",
      cause: error,
    });
  }
}

/** Throws NOT_FOUND. */
export async function withSchedule<T>(
  { client }: TemporalStack,
  name: string,
  body: (handle: ScheduleHandle) => Promise<T>,
): Promise<T> {
  try {
    return await body(client.schedule.getHandle(name));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new MtrlError('NOT_FOUND', 'the schedule does not exist', {
      where: `schedule ${name}`,
      hint: `\`${commandText('schedule', 'list')}\` lists all schedules`,
      cause: error,
    });
  }
}

/** Schedules that start `retrain`, by name; others are left out. */
export async function listSchedules({ client }: TemporalStack): Promise<readonly ScheduleSummary[]> {
  const found: ScheduleSummary[] = [];
  for await (const summary of client.schedule.list()) {
    if (summary.action?.workflowType === retrainType) found.push(summary);
  }
  return found.sort((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
}

export function summaryDocument({ scheduleId, spec, state, info }: ScheduleSummary) {
  return {
    name: scheduleId,
    times: spec ? timesText(spec) : '',
    paused: state.paused,
    note: state.note ?? null,
    next: info.nextActionTimes[0]?.toISOString() ?? null,
    last: info.recentActions.map(actionDocument).at(-1) ?? null,
  };
}

export function descriptionDocument(
  description: ScheduleDescription,
  ends: readonly StartedRetraining[],
  link: string | undefined,
) {
  const { scheduleId, spec, policies, state, info } = description;
  return {
    name: scheduleId,
    recipe: recipeNameOf(description),
    times: timesText(spec),
    jitterMs: spec.jitter ?? 0,
    overlap: overlapWord(policies.overlap),
    catchupWindowMs: policies.catchupWindow,
    paused: state.paused,
    note: state.note ?? null,
    next: info.nextActionTimes.map((time) => time.toISOString()),
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    recent: info.recentActions.map((action, i) => ({ ...actionDocument(action), ...ends[i] })),
    takenCount: info.numActionsTaken,
    skippedCount: info.numActionsSkippedOverlap,
    missedCount: info.numActionsMissedCatchupWindow,
    link: link ?? null,
  };
}

/** State of a retraining started by the schedule: Temporal's status, and its own outcome (`promoted`, `held-back`). */
export interface StartedRetraining {
  readonly workflowId: string;
  /** `running`, `completed`, `failed`, `cancelled`, `terminated`, `timed_out`; `unknown` if its history is deleted. */
  readonly status: string;
  readonly outcome: string | null;
  readonly closedAt: string | null;
}

/** States of the schedule's recent runs, of which the server remembers ten at most. */
export function recentEnds(
  { client }: TemporalStack,
  { info }: ScheduleDescription,
): Promise<readonly StartedRetraining[]> {
  return Promise.all(
    info.recentActions.map(async ({ action }) => {
      const { workflowId, firstExecutionRunId } = action.workflow;
      try {
        const handle = client.workflow.getHandle(workflowId, firstExecutionRunId);
        const { status, closeTime, typedSearchAttributes } = await handle.describe();
        const outcome = typedSearchAttributes.get(searchAttributes.state) ?? null;
        const closedAt = closeTime?.toISOString() ?? null;
        return { workflowId, status: status.name.toLowerCase(), outcome, closedAt };
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        return { workflowId, status: 'unknown', outcome: null, closedAt: null };
      }
    }),
  );
}

function actionDocument({ scheduledAt, takenAt, action }: ScheduleExecutionResult) {
  return {
    scheduledAt: scheduledAt.toISOString(),
    takenAt: takenAt.toISOString(),
    workflowId: action.workflow.workflowId,
  };
}

/** Name of the recipe; null if the schedule was created by hand with an input of another form. */
function recipeNameOf({ action }: ScheduleDescription): string | null {
  const [input] = (action.args ?? []) as readonly [{ readonly recipe?: { readonly name?: unknown } }?];
  const name = input?.recipe?.name;
  return typeof name === 'string' ? name : null;
}

export function scheduleLink({ settings }: TemporalStack, name: string): string | undefined {
  const { uiUrl, namespace } = settings.temporal;
  return uiUrl === undefined ? undefined : `${uiUrl}/namespaces/${namespace}/schedules/${encodeURIComponent(name)}`;
}
