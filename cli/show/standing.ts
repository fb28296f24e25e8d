/** Current state of an experiment, queried from the experiment and its runs. */
import { type Client, QueryNotRegisteredError, type WorkflowExecutionDescription } from '@temporalio/client';
import type { ExperimentProgress, RunProgress } from '../../contract/progress.ts';
import { retryText } from '../retry-text.ts';
import { describe } from '../temporal/describe-experiment.ts';

export interface Standing {
  readonly experimentId: string;
  /** Temporal's status: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, TIMED_OUT. */
  readonly status: string;
  readonly isOpen: boolean;
  readonly startedAt: Date;
  readonly closedAt: Date | undefined;
  /** Why an activity of the experiment itself is tried again; undefined if none is. */
  readonly retrying: string | undefined;
  /** undefined while no control worker answers. */
  readonly progress: ExperimentProgress | undefined;
}

const queryTimeoutMs = 4_000;

export async function standingOf(client: Client, experimentId: string): Promise<Standing> {
  const description = await describe(client, experimentId);
  const progress = await ask<ExperimentProgress>(client, experimentId);
  const runs = progress && (await Promise.all(progress.runs.map((run) => newestOf(client, run))));
  return { ...factsOf(description), progress: progress && runs && { ...progress, runs } };
}

function factsOf(description: WorkflowExecutionDescription): Omit<Standing, 'progress'> {
  const { workflowId, status, startTime, closeTime, raw } = description;
  return {
    experimentId: workflowId,
    status: status.name,
    isOpen: status.name === 'RUNNING' || status.name === 'PAUSED',
    startedAt: startTime,
    closedAt: closeTime,
    retrying: retryText(raw.pendingActivities ?? []),
  };
}

/** Newest progress of a run: an experiment learns of it only every few seconds, so an active run is queried itself. */
async function newestOf(client: Client, run: RunProgress): Promise<RunProgress> {
  if (['done', 'failed', 'cancelled'].includes(run.state)) return run;
  return (await ask<RunProgress>(client, run.workflowId)) ?? run;
}

/** Queries the progress; undefined without an answer in time: the worker is down, or the workflow has not started. */
async function ask<T>(client: Client, workflowId: string): Promise<T | undefined> {
  try {
    return await client.withDeadline(Date.now() + queryTimeoutMs, () =>
      client.workflow.getHandle(workflowId).query<T>('progress'),
    );
  } catch (error) {
    if (error instanceof QueryNotRegisteredError || isUnanswered(error)) return undefined;
    throw error;
  }
}

/** gRPC CANCELLED (by the deadline), DEADLINE_EXCEEDED, NOT_FOUND, FAILED_PRECONDITION (no first task yet). */
const unansweredCodes: readonly unknown[] = [1, 4, 5, 9];

function isUnanswered(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (unansweredCodes.includes((cause as { code?: unknown }).code)) return true;
    if (cause.name === 'WorkflowNotFoundError' || cause.name === 'QueryRejectedError') return true;
  }
  return false;
}
