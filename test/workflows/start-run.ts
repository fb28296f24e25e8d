/** Starts a run directly, as an experiment would. */
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { ArmPlan } from '../../contract/activities.ts';
import type { RunInput, RunResult } from '../../contract/workflows.ts';
import { refTo } from './made-up-activities.ts';

type Run = (input: RunInput) => Promise<RunResult>;
let count = 0;

export function startRun(
  client: Client,
  plan: ArmPlan,
  workflowId = `run-${String(++count)}`,
): Promise<WorkflowHandleWithFirstExecutionRunId<Run>> {
  const whole = { experimentId: 'x', recipeName: 'made-up', recipe: refTo('recipe'), dataset: refTo('dataset') };
  const initial = { policy: { snapshot: refTo('base'), log: [] }, checkpoint: refTo('base checkpoint') };
  return client.workflow.start<Run>('run', {
    workflowId,
    taskQueue: 'mtrl',
    args: [{ ...whole, plan, initial }],
  });
}
