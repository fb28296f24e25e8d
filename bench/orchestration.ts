/**
 * The orchestration overhead of a step, from the history of a small run on the local stack: the wall time from one
 * update to the next minus the compute time that its activities report. Steps with a snapshot between them are counted
 * separately.
 */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { StepResult } from '../contract/step.ts';
import { up } from '../infra/stack/up.ts';
import { smallRun } from './small-run.ts';
import { median, quantile, rounded } from './statistics.ts';

const stepCount = 40;
/** The first steps warm up caches and processes. */
const skippedStepCount = 5;

export async function bench(log: (line: string) => void) {
  const settings = await up({ workers: true, log });
  const spec = { name: 'bench-orchestration', seed: Date.now() % 2 ** 31, stepCount };
  return smallRun(settings, spec, async ({ client, experimentId, runId }) => {
    return { experimentId, stepCount, ...(await stepFigures(client, runId)) };
  });
}

/** Figures of a completed run, from its history. */
export async function stepFigures(client: Client, runId: string) {
  return figuresOf(await activitiesOf(client, runId));
}

export interface DoneActivity {
  readonly type: string;
  readonly scheduledAtMs: number;
  readonly endedAtMs: number;
  readonly computeMs: number;
}

/** Completed activities of a run, in the order of their completion. */
export async function activitiesOf(client: Client, workflowId: string): Promise<readonly DoneActivity[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduledBy = new Map((events ?? []).map((event) => [String(event.eventId), event]));
  return (events ?? []).flatMap(({ eventTime, activityTaskCompletedEventAttributes: completed }) => {
    const payload = completed?.result?.payloads?.[0];
    if (!completed || !payload) return [];
    const scheduled = scheduledBy.get(String(completed.scheduledEventId));
    const type = scheduled?.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
    // `findRun` answers null where there is no such run.
    const computeMs = computeMsOf(defaultPayloadConverter.fromPayload<Timed | Partial<StepResult> | null>(payload));
    return [
      { type, scheduledAtMs: millisecondsOf(scheduled?.eventTime), endedAtMs: millisecondsOf(eventTime), computeMs },
    ];
  });
}

interface EventTime {
  /** A number or a Long. */
  readonly seconds?: unknown;
  readonly nanos?: number | null;
}

function millisecondsOf(time: EventTime | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}

interface Timed {
  readonly computeMs?: number;
}

/** Of the result, or of its parts if the activity was a whole step. */
function computeMsOf(result: Timed | Partial<StepResult> | null): number {
  if (result === null) return 0;
  const parts = 'update' in result ? [result.rollout, result.reward, result.update] : [result as Timed];
  return parts.reduce((sum, part) => sum + (part?.computeMs ?? 0), 0);
}

function figuresOf(activities: readonly DoneActivity[]) {
  const updates = activities.flatMap(({ type }, i) => (type === 'optimize' || type === 'step' ? [i] : []));
  const steps = updates.slice(1).map((end, k) => {
    const between = activities.slice((updates[k] ?? 0) + 1, end + 1);
    const wallMs = (activities[end]?.endedAtMs ?? 0) - (activities[updates[k] ?? 0]?.endedAtMs ?? 0);
    const computeMs = between.reduce((sum, activity) => sum + activity.computeMs, 0);
    return {
      wallMs,
      computeMs,
      overheadMs: wallMs - computeMs,
      hasSnapshot: between.some(({ type }) => type === 'snapshot'),
    };
  });
  const warm = steps.slice(skippedStepCount);
  const plain = warm.filter(({ hasSnapshot }) => !hasSnapshot);
  const overheads = plain.map(({ overheadMs }) => overheadMs);
  return {
    wallMedianMs: rounded(median(plain.map(({ wallMs }) => wallMs))),
    computeMedianMs: rounded(median(plain.map(({ computeMs }) => computeMs))),
    overheadMedianMs: rounded(median(overheads)),
    overheadP90Ms: rounded(quantile(overheads, 0.9)),
    snapshotStepWallMs: warm.filter(({ hasSnapshot }) => hasSnapshot).map(({ wallMs }) => rounded(wallMs)),
  };
}
