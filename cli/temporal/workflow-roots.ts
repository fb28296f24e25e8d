/** Workflows and the payloads of their histories, whose artifact refs protect artifacts from garbage collection. */
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { decoded } from './decoded.ts';
import type { Stack } from './stack.ts';

export interface WorkflowIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

/** Running workflows of this stack's control queue. */
export async function openWorkflows({ client, settings }: Stack): Promise<WorkflowIdentity[]> {
  return list(client, `TaskQueue = '${settings.taskQueues.control}' AND ExecutionStatus = 'Running'`);
}

/** Workflows of this stack's control queue that ended after `since`. */
export async function workflowsEndedSince({ client, settings }: Stack, since: Date): Promise<WorkflowIdentity[]> {
  return list(client, `TaskQueue = '${settings.taskQueues.control}' AND CloseTime > '${since.toISOString()}'`);
}

/** The visibility query for an experiment and its children: retrainings and promotions have the attribute as well. */
export function workflowsOfExperiment(experimentId: string): string {
  return `MtrlExperiment = '${experimentId}' AND WorkflowType IN ('experiment', 'run', 'evaluate')`;
}

export async function list(client: Client, query: string): Promise<WorkflowIdentity[]> {
  const found: WorkflowIdentity[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) found.push({ workflowId, runId });
  return found;
}

/** JSON payloads of a history: inputs, results, signals, details. Empty if the history has been deleted meanwhile. */
export async function payloadsOf(client: Client, { workflowId, runId }: WorkflowIdentity): Promise<readonly unknown[]> {
  const history = await client.workflow
    .getHandle(workflowId, runId)
    .fetchHistory()
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'WorkflowNotFoundError') return { events: [] };
      throw error;
    });
  return (await decoded(client, (history.events ?? []).flatMap(payloadsIn))).flatMap(jsonIn);
}

function payloadsIn(node: unknown): Payload[] {
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return [];
  if ((node as Payload).data instanceof Uint8Array) return [node];
  return Object.values(node).flatMap(payloadsIn);
}

function jsonIn({ data }: Payload): unknown[] {
  try {
    return [JSON.parse(new TextDecoder().decode(data ?? new Uint8Array()))];
  } catch {
    // Not JSON, such as search attributes.
    return [];
  }
}
