/** Task queues of the pools of compute workers that a recipe names (docs/production.md). */
import { workflowInfo } from '@temporalio/workflow';

/** Options of an activity that the pool's workers do; none for the common pool. */
export function onPool(pool: string | undefined): { readonly taskQueue?: string } {
  return pool === undefined ? {} : { taskQueue: `${workflowInfo().taskQueue}-compute-${pool}` };
}
