/** The experiment that a fork starts from: read from its index if it has ended, else from its progress. */
import { findExperimentIndex } from '../pipeline/reporting/experiment-index.ts';
import type { ForkOrigin, OriginRun, PlanForkInput, PlanForkResult } from '../contract/fork.ts';
import type { ExperimentOptions } from '../contract/workflows.ts';
import { isNotFound } from '../core/errors.ts';
import { inputsOfExperiment } from './temporal/experiments.ts';
import { codedEnd } from './show/outcome.ts';
import { snapshotOfCheckpoint } from '../pipeline/policies/snapshot-of-checkpoint.ts';
import type { Stack } from './temporal/stack.ts';
import { standingOf } from './show/standing.ts';
import { searchAttributes } from '../contract/search-attributes.ts';

export interface Origin {
  readonly recipe: unknown;
  readonly options?: ExperimentOptions;
  /** Only for an experiment without an index. */
  readonly underWay?: ForkOrigin;
}

/** Throws NOT_FOUND. */
export async function originOf(stack: Stack, experimentId: string): Promise<Origin> {
  const { client, store } = stack;
  const index = await findExperimentIndex(store, experimentId);
  const inputs = await inputsOfExperiment(client, experimentId).catch(async (error: unknown) => {
    // The experiment was imported, or is older than Temporal's retention.
    if (index && isNotFound(error)) return { recipe: await store.getJson(index.recipe) };
    throw error;
  });
  if (index) return inputs;
  const { progress } = await standingOf(client, experimentId);
  const runs = await Promise.all(
    (progress?.runs ?? []).map(async ({ runName, checkpoint }): Promise<OriginRun[]> => {
      const snapshot = await snapshotOfCheckpoint(store, checkpoint);
      return snapshot ? [{ runName, policy: { snapshot, log: [] } }] : [];
    }),
  );
  return { ...inputs, underWay: { recipe: inputs.recipe, runs: runs.flat() } };
}

/** Runs the workflow `planFork`. Throws FORK_CHANGE_REFUSED, FORK_STEP_UNREACHED and other failures of the workflow. */
export async function planFork(
  { client, settings }: Stack,
  experimentId: string,
  input: PlanForkInput,
): Promise<PlanForkResult> {
  const workflowId = `fork-plan-${experimentId}`;
  try {
    return (await client.workflow.execute('planFork', {
      workflowId,
      taskQueue: settings.taskQueues.control,
      args: [input],
      typedSearchAttributes: [{ key: searchAttributes.experiment, value: experimentId }],
      staticSummary: `fork of ${input.experimentId}`,
    })) as PlanForkResult;
  } catch (error) {
    throw codedEnd(error, workflowId, 'fork again');
  }
}
