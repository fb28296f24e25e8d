/**
 * Timeouts and retries by kind of activity. Attempts are unlimited: errors that must not be retried are marked as such
 * (activities/failure.ts), and all others come from the environment, which recovers.
 */
import { ActivityCancellationType, proxyActivities, type RetryPolicy, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../contract/activities.ts';
import type { ComputeActivities } from '../contract/compute-activities.ts';

/**
 * No practical limit: an evaluation with a large model on few cores takes hours, and a limit would restart it forever.
 * Dead or hung activities are detected by their heartbeats.
 */
export const startToCloseTimeout = '30d';

const retry: RetryPolicy = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' };

/**
 * Activities on the workflow's own queue take time that grows with the data, or wait for others: heartbeats distinguish
 * a slow worker from a dead one.
 */
const onControlQueue = {
  startToCloseTimeout,
  heartbeatTimeout: '1m',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
} as const;

/**
 * Control activities that a run waits for, such as the rewards of a step. They take as long as a step or wait for an
 * endpoint, and never read files, so a shorter heartbeat timeout detects a dead worker sooner. Handed to the same worker with the workflow task's
 * answer (eager dispatch).
 */
export const control = proxyActivities<
  Pick<Activities, 'prepare' | 'reward' | 'evaluateEndpoint' | 'judgeRowsEndpoint' | 'calibrate' | 'keepEvaluations'>
>({
  ...onControlQueue,
  heartbeatTimeout: '20s',
});

export const bulk =
  proxyActivities<Pick<Activities, 'ingest' | 'mix' | 'pixelBaselines' | 'report' | 'readRows' | 'planFork'>>(
    onControlQueue,
  );

/** Work on an engine. Cancellation waits until the engine has been stopped. */
export const compute = proxyActivities<ComputeActivities>({
  // Named after the control queue (infra/stack/settings.ts), so that one setting changes both.
  taskQueue: `${workflowInfo().taskQueue}-compute`,
  startToCloseTimeout,
  heartbeatTimeout: '15s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});
