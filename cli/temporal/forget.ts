/** Deletes an experiment: its index and its workflow histories. Artifacts that only it used become garbage. */
import { setTimeout as sleep } from 'node:timers/promises';
import { listExperiments } from '../../artifacts/experiment-list.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { MtrlError } from '../../core/errors.ts';
import { requireExperimentId } from './experiments.ts';
import { commandText } from '../show/output.ts';
import type { Stack } from './stack.ts';
import { list, openWorkflows } from './workflow-roots.ts';

export interface Forgotten {
  readonly experimentId: string;
  readonly hadResults: boolean;
  readonly workflowCount: number;
}

/** Temporal deletes asynchronously: within seconds on the local stack, half a minute with a server's defaults. */
const goneWithinMs = 90_000;

/** Artifacts that a promoted version needs stay: the name refers to them. Throws NOT_FOUND, EXPERIMENT_RUNNING. */
export async function forget(stack: Stack, experimentId: string): Promise<Forgotten> {
  const { client, store } = stack;
  const query = `MtrlExperiment = '${requireExperimentId(experimentId)}'`;
  const workflows = await list(client, query);
  const hadResults = (await store.objects.head(experimentKey(experimentId))) !== undefined;
  if (!hadResults && workflows.length === 0)
    throw new MtrlError('NOT_FOUND', 'the experiment does not exist', { where: experimentId });
  const open = await list(client, `${query} AND ExecutionStatus = 'Running'`);
  if (open.length > 0) {
    throw new MtrlError('EXPERIMENT_RUNNING', 'the experiment is still running', {
      where: experimentId,
      found: open.map(({ workflowId }) => workflowId).join(', '),
      hint: `wait for it, or cancel it first: \`${commandText('cancel', experimentId)}\``,
    });
  }
  await store.objects.remove([experimentKey(experimentId)]);
  const { namespace } = client.options;
  for (const workflowExecution of workflows)
    await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  const deadlineMs = Date.now() + goneWithinMs;
  while ((await list(client, query)).length > 0 && Date.now() < deadlineMs) await sleep(200);
  return { experimentId, hadResults, workflowCount: workflows.length };
}

/** Ids of experiments whose index is older than `before`, except those that run again under the same id. */
export async function experimentsBefore(stack: Stack, before: Date): Promise<string[]> {
  const { store } = stack;
  const running = new Set((await openWorkflows(stack)).map(({ workflowId }) => workflowId.split('/')[0]));
  const ids: string[] = [];
  for await (const { experimentId, finishedAtMs } of listExperiments(store))
    if (finishedAtMs < before.getTime() && !running.has(experimentId)) ids.push(experimentId);
  return ids;
}
