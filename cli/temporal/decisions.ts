/** Sends a person's decision to the workflow that waits for it. */
import { userInfo } from 'node:os';
import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isErrorCode, MtrlError } from '../../core/errors.ts';
import type { ApprovalStanding, Decision } from '../../contract/messages.ts';
import type { Stack } from './stack.ts';

/** Types of workflows that wait for decisions. */
const types = ['retrain', 'promote'];
const queryTimeoutMs = 4_000;

export interface Decided {
  readonly workflowId: string;
  readonly decision: Decision;
}

/**
 * Sends the decision. `target`: a workflow's id, or the name to which its candidate would be promoted. Throws
 * NOT_FOUND, DECISION_REFUSED.
 */
export async function decide({ client }: Stack, target: string, decision: Decision): Promise<Decided> {
  const workflowId = await workflowOf(client, target);
  try {
    const taken = await client.workflow
      .getHandle(workflowId)
      .executeUpdate<Decision, [Decision]>('decide', { args: [decision] });
    return { workflowId, decision: taken };
  } catch (error) {
    throw refusal(error, workflowId);
  }
}

/** Name of the current user, the default for who decides. */
export function whoami(): string {
  return userInfo().username;
}

async function workflowOf(client: Client, target: string): Promise<string> {
  const found = await client.workflow
    .getHandle(target)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
  // The name may also be the id of an experiment.
  if (found === undefined || !types.includes(found.type)) return waitingFor(client, target);
  if (found.status.name === 'RUNNING') return target;
  throw tooLate(target, `it has ended: ${found.status.name.toLowerCase()}`);
}

/** Id of the one running workflow whose candidate waits for a decision on this name. */
async function waitingFor(client: Client, name: string): Promise<string> {
  const query = `WorkflowType IN (${types.map((type) => `'${type}'`).join(', ')}) AND ExecutionStatus = 'Running'`;
  const waiting: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    const standing = await client
      .withDeadline(Date.now() + queryTimeoutMs, () =>
        client.workflow.getHandle(workflowId).query<ApprovalStanding>('approval'),
      )
      .catch(() => undefined);
    if (standing?.state === 'waiting' && standing.name === name) waiting.push(workflowId);
  }
  const [only, ...others] = waiting;
  if (only === undefined)
    throw new MtrlError('NOT_FOUND', 'no candidate with this id or name is waiting for a decision', {
      where: name,
      hint: `name a running workflow of type ${types.join(' or ')}, or the name that its candidate is for`,
    });
  if (others.length === 0) return only;
  throw new MtrlError('USAGE', 'several candidates are waiting for this name', {
    where: name,
    found: waiting.join(', '),
    hint: 'name one of these workflows',
  });
}

function refusal(error: unknown, workflowId: string): unknown {
  // It ended between the lookup and the update.
  if (error instanceof WorkflowNotFoundError) return tooLate(workflowId, 'it has ended');
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || !isErrorCode(cause.type ?? '')) return error;
  return new MtrlError('DECISION_REFUSED', cause.message, { where: workflowId, cause: error });
}

function tooLate(workflowId: string, found: string): MtrlError {
  return new MtrlError('DECISION_REFUSED', 'too late for a decision', { where: workflowId, found });
}
