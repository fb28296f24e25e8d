/**
 * Time-outs and retries by kind of activity. Attempts are unlimited: what must not be retried says so itself
 * (activities/failure.ts), and everything else is the surroundings, which come back.
 */
import { ActivityCancellationType, proxyActivities, type RetryPolicy, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../contract/activities.ts';

/**
 * As long as it takes: an evaluation with a large model on few cores takes hours, and a limit would have it begin anew
 * for ever. What is dead or hangs is found by its heartbeats.
 */
export const startToCloseTimeout = '30d';

const retry: RetryPolicy = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' };

/**
 * On the workflow's own queue all work grows with the data or waits for others: heartbeats tell a slow worker from a
 * dead one.
 */
const onControlQueue = {
  startToCloseTimeout,
  heartbeatTimeout: '1m',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
} as const;

/** Handed to the same worker with the workflow task's answer (eager dispatch). */
export const control =
  proxyActivities<Pick<Activities, 'prepare' | 'mix' | 'reward' | 'keepEvaluations'>>(onControlQueue);

export const bulk = proxyActivities<Pick<Activities, 'ingest' | 'report' | 'readRows' | 'planFork'>>(onControlQueue);

/** Work on an engine. Cancellation waits until the engine has been stopped. */
export const compute = proxyActivities<
  Pick<
    Activities,
    'importPolicy' | 'admit' | 'findRun' | 'keepRun' | 'rollout' | 'optimize' | 'snapshot' | 'evaluate' | 'judgeRows'
  >
>({
  // Named after the control queue (infra/stack/settings.ts), so that one setting moves both.
  taskQueue: `${workflowInfo().taskQueue}-compute`,
  startToCloseTimeout,
  heartbeatTimeout: '15s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});
