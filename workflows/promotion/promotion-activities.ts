/** Timeouts and retries of the promotion activities of the control worker. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { RetrainingActivities } from '../../contract/retraining.ts';
import { startToCloseTimeout } from '../activity-options.ts';

const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;
const cancellationType = ActivityCancellationType.TRY_CANCEL;

export const registry = proxyActivities<
  Pick<RetrainingActivities, 'findPromoted' | 'findCandidate' | 'promote' | 'rollBack'>
>({ startToCloseTimeout, heartbeatTimeout: '1m', cancellationType, retry });

/** Reads every source. */
export const inspection = proxyActivities<Pick<RetrainingActivities, 'inspectData'>>({
  startToCloseTimeout,
  heartbeatTimeout: '1m',
  cancellationType,
  retry,
});

/** Bootstraps the differences of every task, so its time grows with the test sets. */
export const gating = proxyActivities<Pick<RetrainingActivities, 'gate'>>({
  startToCloseTimeout,
  heartbeatTimeout: '1m',
  cancellationType,
  retry,
});

/** The activity retries webhooks itself and reports the receivers that it did not reach. */
export const outward = proxyActivities<Pick<RetrainingActivities, 'notify'>>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '1m',
  cancellationType,
  retry: { ...retry, maximumAttempts: 3 },
});
