/** Workflows of an experiment whose workflow tasks fail: neither signals nor cancellation reach their code. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';
import { commandText, say } from '../show/output.ts';
import { list, type WorkflowIdentity, workflowsOfExperiment } from './workflow-roots.ts';

export interface FailingWorkflow extends WorkflowIdentity {
  readonly message: string;
}

/** The experiment and its children that are still open. */
function openWorkflowsOf(client: Client, experimentId: string): Promise<WorkflowIdentity[]> {
  return list(client, `${workflowsOfExperiment(experimentId)} AND ExecutionStatus = 'Running'`);
}

/** The failing workflows, with the failure message of their last workflow task. */
export async function failingWorkflows(client: Client, experimentId: string): Promise<FailingWorkflow[]> {
  const open = await openWorkflowsOf(client, experimentId);
  const failing: FailingWorkflow[] = [];
  for (const workflow of open) {
    const message = await failureOfTask(client, workflow);
    if (message !== undefined) failing.push({ ...workflow, message });
  }
  return failing;
}

export function failingText({ workflowId, message }: FailingWorkflow): string {
  return `${workflowId} is stuck: its workflow task keeps failing (${message})`;
}

/**
 * Failure message of the current workflow task; undefined if it does not fail. A task that only timed out is not a
 * failure: its worker has died, and another one takes it over.
 */
async function failureOfTask(client: Client, execution: WorkflowIdentity): Promise<string | undefined> {
  const { namespace } = client.options;
  const handle = client.workflow.getHandle(execution.workflowId, execution.runId);
  try {
    const { raw } = await handle.describe();
    if ((raw.pendingWorkflowTask?.attempt ?? 0) < 2) return undefined;
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      ...{ namespace, execution, maximumPageSize: 20 },
    });
    // Newest first. Of consecutive failures only the first is in the history.
    const ended = history?.events?.find(
      (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskCompletedEventAttributes,
    );
    return ended?.workflowTaskFailedEventAttributes?.failure?.message?.split('\n')[0];
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

const endedWithinMs = 15_000;
const askMs = 250;

/**
 * Ends workflows that cannot end by themselves: terminates the failing ones, waits for the others, which were asked to
 * cancel, and terminates those that are still open then. Returns the ids of the terminated workflows.
 */
export async function terminateFailing(
  client: Client,
  experimentId: string,
  failing: readonly FailingWorkflow[],
): Promise<readonly string[]> {
  const reason = 'its workflow task, or that of another workflow of the experiment, fails';
  const terminated: string[] = [];
  const terminate = async ({ workflowId, runId }: WorkflowIdentity): Promise<void> => {
    try {
      await client.workflow.getHandle(workflowId, runId).terminate(reason);
      terminated.push(workflowId);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  };
  for (const workflow of failing) await terminate(workflow);
  for (const workflow of await leftAfter(client, experimentId, endedWithinMs)) await terminate(workflow);
  return terminated;
}

async function leftAfter(client: Client, experimentId: string, waitMs: number): Promise<WorkflowIdentity[]> {
  const deadlineMs = Date.now() + waitMs;
  let open = await openWorkflowsOf(client, experimentId);
  while (open.length > 0 && Date.now() < deadlineMs) {
    await sleep(askMs);
    open = await openWorkflowsOf(client, experimentId);
  }
  return open;
}

const leftOpenMsMax = 60_000;

/**
 * Ends the children of an experiment before it is started again: terminates the failing ones and waits for the others.
 * Throws EXPERIMENT_RUNNING if some do not end in time.
 */
export async function awaitChildren(client: Client, experimentId: string): Promise<void> {
  const failing = await failingWorkflows(client, experimentId);
  for (const workflow of failing) {
    say(failingText(workflow));
    await client.workflow.getHandle(workflow.workflowId, workflow.runId).terminate('the experiment is started again');
  }
  const open = await leftAfter(client, experimentId, leftOpenMsMax);
  if (open.length === 0) return;
  throw new MtrlError('EXPERIMENT_RUNNING', 'workflows of the experiment are still running', {
    where: experimentId,
    found: open.map(({ workflowId }) => workflowId).join(', '),
    hint: `wait for them, or cancel them: \`${commandText('cancel', experimentId)}\``,
  });
}
