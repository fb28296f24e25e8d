/** Experiments through a Temporal client: starts or attaches to them, and reads their inputs. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { isNotFound, MtrlError } from '../../core/errors.ts';
import { differences } from '../../core/difference.ts';
import { digestOf, type Json } from '../../core/json.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Recipe, RecipeInput } from '../../recipes/recipe.ts';
import type { ExperimentOptions } from '../../contract/workflows.ts';
import { decoded } from './decoded.ts';
import { describe, workflowType } from './describe-experiment.ts';
import { commandText } from '../show/output.ts';
import { differenceLines } from '../show/difference.ts';
import { awaitChildren } from './failing-workflows.ts';
import { recipeDetails } from '../show/recipe-details.ts';
import { memoOf, type Stack } from './stack.ts';
import { searchAttributes } from '../../contract/search-attributes.ts';

export interface StartRequest {
  readonly experimentId: string;
  readonly recipe: RecipeInput;
  readonly parsed: Recipe;
  /** What it starts from beyond the recipe: an initial policy, or the steps of another experiment. */
  readonly options?: ExperimentOptions;
}

/**
 * Starts an experiment, one per id: a second start with the same recipe attaches, or restarts a failed one if allowed.
 * Throws RECIPE_CONFLICT.
 */
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
  const { experimentId, recipe, parsed, options } = request;
  if (reuse === WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY && (await hasEnded(client, experimentId)))
    await awaitChildren(client, experimentId);
  const digest = digestOf(asJson(parsed));
  await client.workflow.start(workflowType, {
    workflowId: experimentId,
    taskQueue: settings.taskQueues.control,
    args: options === undefined ? [recipe] : [recipe, options],
    workflowIdReusePolicy: reuse,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    typedSearchAttributes: [
      { key: searchAttributes.experiment, value: experimentId },
      { key: searchAttributes.recipe, value: parsed.name },
      { key: searchAttributes.recipeDigest, value: digest },
      { key: searchAttributes.state, value: 'preparing' },
    ],
    staticSummary: parsed.summary === undefined ? parsed.name : `${parsed.name}: ${parsed.summary}`,
    staticDetails: recipeDetails(parsed, digest),
    ...memoOf(settings),
  });
}

/** false if it is running or was never started. */
async function hasEnded(client: Client, experimentId: string): Promise<boolean> {
  try {
    return !['RUNNING', 'PAUSED'].includes((await describe(client, experimentId)).status.name);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function requireSameRecipe({ client }: Stack, request: StartRequest): Promise<void> {
  const { experimentId, parsed, options } = request;
  const there = await inputsOfExperiment(client, experimentId);
  const found = [
    ...differences(asRecipe(there.recipe), parsed),
    ...differences(asJson(there.options ?? {}), asJson(options ?? {})),
  ];
  if (found.length === 0) return;
  throw new MtrlError('RECIPE_CONFLICT', 'an experiment with this id and another recipe exists', {
    where: `experiment ${experimentId}`,
    found: differenceLines(found),
    hint: `use another --id, or leave --id out; \`${commandText('fork', experimentId)} --from-step K --set PATH=VALUE\` continues its runs with other settings`,
  });
}

/**
 * The recipe with defaults filled in, so that an explicit default makes no difference; unchanged if it is not a valid
 * recipe of this version.
 */
function asRecipe(value: unknown): Json {
  try {
    return parseRecipe(value);
  } catch {
    return value as Json;
  }
}

/** Inputs that an experiment was started with. */
export interface ExperimentInputs {
  /** The recipe as it was sent, without defaults. */
  readonly recipe: unknown;
  readonly options?: ExperimentOptions;
}

/** Reads the inputs from the first event of the history. Throws NOT_FOUND. */
export async function inputsOfExperiment(client: Client, experimentId: string): Promise<ExperimentInputs> {
  const { runId } = await describe(client, experimentId);
  const page = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: experimentId, runId },
    maximumPageSize: 1,
  });
  const payloads = page.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const [recipe, options] = (await decoded(client, payloads)).map((payload) =>
    defaultPayloadConverter.fromPayload<unknown>(payload),
  );
  if (recipe === undefined)
    throw new MtrlError('NOT_FOUND', 'the experiment has no recipe in its history', {
      where: `experiment ${experimentId}`,
    });
  return { recipe, ...(options !== undefined && { options: options as ExperimentOptions }) };
}

/** Checks an id, which becomes part of object keys and URLs. Throws USAGE. */
export function requireExperimentId(id: string): string {
  if (/^[A-Za-z0-9][\w.=-]{0,199}$/.test(id)) return id;
  throw new MtrlError('USAGE', 'the experiment id is invalid', {
    where: '--id',
    found: JSON.stringify(id),
    hint: 'use letters, digits, `.`, `_`, `=` and `-`, at most 200 characters, starting with a letter or digit',
  });
}
