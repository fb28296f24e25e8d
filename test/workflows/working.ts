/** A workflow with one activity, which may take as long as it likes and sends no heartbeats. */
import { proxyActivities } from '@temporalio/workflow';

const { work } = proxyActivities<{ work(): Promise<string> }>({ startToCloseTimeout: '1h' });

export function working(): Promise<string> {
  return work();
}
