/** What workflows refer to: every artifact ref in the payloads of their histories. */
import type { Client } from '@temporalio/client';
import type { Stack } from './stack.ts';

export interface WorkflowIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

/** Ours that have not ended. */
export async function openWorkflows({ client, settings }: Stack): Promise<WorkflowIdentity[]> {
  return list(client, `TaskQueue = '${settings.taskQueues.control}' AND ExecutionStatus = 'Running'`);
}

/** Ours that have ended since then. */
export async function workflowsEndedSince({ client, settings }: Stack, since: Date): Promise<WorkflowIdentity[]> {
  return list(client, `TaskQueue = '${settings.taskQueues.control}' AND CloseTime > '${since.toISOString()}'`);
}

export async function list(client: Client, query: string): Promise<WorkflowIdentity[]> {
  const found: WorkflowIdentity[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) found.push({ workflowId, runId });
  return found;
}

/** The JSON of one history's payloads: inputs, results, signals, details. Nothing of one that is gone meanwhile. */
export async function payloadsOf(client: Client, { workflowId, runId }: WorkflowIdentity): Promise<readonly unknown[]> {
  const history = await client.workflow
    .getHandle(workflowId, runId)
    .fetchHistory()
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'WorkflowNotFoundError') return { events: [] };
      throw error;
    });
  return (history.events ?? []).flatMap(payloadsIn);
}

function payloadsIn(node: unknown): unknown[] {
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return [];
  const data = (node as { readonly data?: unknown }).data;
  if (data instanceof Uint8Array) return jsonIn(data);
  return Object.values(node).flatMap(payloadsIn);
}

function jsonIn(data: Uint8Array): unknown[] {
  try {
    return [JSON.parse(new TextDecoder().decode(data))];
  } catch {
    // Search attributes and the like.
    return [];
  }
}
