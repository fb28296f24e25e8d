/**
 * Workflow time, for display only. Temporal replays a workflow with the times of its tasks, but a query that reaches a
 * worker without the workflow in its cache advances it with other times: a command that a time decides differs then
 * between the run and its replay (TMPRL1100), and the workflow can never go on. So no other file here reads a clock, and
 * no condition may name these functions (test/house/workflow-commands.test.ts).
 */

/** Milliseconds since the epoch. */
export function nowMs(): number {
  return Date.now();
}

/** Milliseconds since a time of `nowMs`. */
export function elapsedMs(sinceMs: number): number {
  return Date.now() - sinceMs;
}
