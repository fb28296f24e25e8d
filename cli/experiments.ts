/** Experiments as a Temporal client sees them: start or attach, look up, ask how they stand. */
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defaultPayloadConverter, defineSearchAttributeKey } from '@temporalio/common';
import { MtrlError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { parseRecipe } from '../recipes/load.ts';
import type { Recipe, RecipeInput } from '../recipes/recipe.ts';
import { differenceLines, differences } from './difference.ts';
import { commandText } from './output.ts';
import type { Stack } from './stack.ts';

const workflowType = 'experiment';

export interface StartRequest {
  readonly experimentId: string;
  readonly recipe: RecipeInput;
  readonly parsed: Recipe;
}

/** One experiment an id: of two starts with the same recipe the second attaches, unless it may start a failed one anew. Throws RECIPE_CONFLICT. */
export async function startOrAttach(
  stack: Stack,
  request: StartRequest,
  { failedAnew = false }: { readonly failedAnew?: boolean } = {},
): Promise<'started' | 'attached'> {
  const reuse = failedAnew ? WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY : WorkflowIdReusePolicy.REJECT_DUPLICATE;
  try {
    await start(stack, request, reuse);
    return 'started';
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await requireSameRecipe(stack, request);
    return 'attached';
  }
}

export async function start(
  { client, settings }: Stack,
  request: StartRequest,
  reuse: WorkflowIdReusePolicy,
): Promise<void> {
  const { experimentId, recipe, parsed } = request;
  await client.workflow.start(workflowType, {
    workflowId: experimentId,
    taskQueue: settings.taskQueues.control,
    args: [recipe],
    workflowIdReusePolicy: reuse,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    typedSearchAttributes: [
      { key: defineSearchAttributeKey('MtrlExperiment', 'KEYWORD'), value: experimentId },
      { key: defineSearchAttributeKey('MtrlRecipe', 'KEYWORD'), value: parsed.name },
      { key: defineSearchAttributeKey('MtrlState', 'KEYWORD'), value: 'preparing' },
    ],
    staticSummary: parsed.summary === undefined ? parsed.name : `${parsed.name}: ${parsed.summary}`,
  });
}

async function requireSameRecipe({ client }: Stack, { experimentId, parsed }: StartRequest): Promise<void> {
  const there = await recipeOfExperiment(client, experimentId);
  const found = differences(asRecipe(there), parsed);
  if (found.length === 0) return;
  throw new MtrlError('RECIPE_CONFLICT', 'an experiment with this id and another recipe exists', {
    where: `experiment ${experimentId}`,
    found: differenceLines(found),
    hint: 'use another --id, or leave --id out',
  });
}

/** Defaults filled in, so that writing one out makes no difference; as it is, when it is no recipe of this version. */
function asRecipe(value: unknown): Json {
  try {
    return parseRecipe(value);
  } catch {
    return value as Json;
  }
}

/** The recipe as it was sent: the input in the first event of the history. */
export async function recipeOfExperiment(client: Client, experimentId: string): Promise<unknown> {
  const { runId } = await describe(client, experimentId);
  const page = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: experimentId, runId },
    maximumPageSize: 1,
  });
  const payload = page.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (!payload)
    throw new MtrlError('NOT_FOUND', 'the experiment has no recipe in its history', {
      where: `experiment ${experimentId}`,
    });
  return defaultPayloadConverter.fromPayload(payload);
}

/** Throws NOT_FOUND, also for a workflow that is no experiment. */
export async function describe(client: Client, experimentId: string): Promise<WorkflowExecutionDescription> {
  const hint = `name an experiment: \`${commandText('status')}\` lists them`;
  try {
    const description = await client.workflow.getHandle(experimentId).describe();
    if (description.type === workflowType) return description;
    throw new MtrlError('NOT_FOUND', 'this is no experiment', {
      where: experimentId,
      found: `a workflow of type ${description.type}`,
      hint,
    });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new MtrlError('NOT_FOUND', 'there is no such experiment', { where: experimentId, hint, cause: error });
  }
}

/** Ids are parts of object keys and of addresses. Throws USAGE. */
export function requireExperimentId(id: string): string {
  if (/^[A-Za-z0-9][\w.=-]{0,199}$/.test(id)) return id;
  throw new MtrlError('USAGE', 'this cannot be the id of an experiment', {
    where: '--id',
    found: JSON.stringify(id),
    hint: 'use letters, digits, `.`, `_`, `=` and `-`, at most 200, a letter or digit first',
  });
}
