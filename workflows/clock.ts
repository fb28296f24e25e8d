/**
 * Workflow time, for display only. Temporal replays a workflow with the times of its tasks, but a query to a worker
 * that does not have the workflow in its cache replays it with other times. A command that depends on time then differs
 * between the run and its replay (TMPRL1100), and the workflow is stuck for good. So no other file here reads a clock,
 * and no condition uses these functions (test/house/workflow-commands.test.ts).
 */

/** Milliseconds since the epoch. */
export function nowMs(): number {
  return Date.now();
}

/** Milliseconds since a time of `nowMs`. */
export function elapsedMs(sinceMs: number): number {
  return Date.now() - sinceMs;
}
