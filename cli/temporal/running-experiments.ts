/** Experiments that have not ended, for the studio, which knows nothing of Temporal. */
import type { Client } from '@temporalio/client';
import { isNotFound } from '../../core/errors.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RunningExperiment, RunningExperiments } from '../../studio/library.ts';
import { standingOf } from '../show/standing.ts';
import { workflowType } from './describe-experiment.ts';
import { inputsOfExperiment } from './experiments.ts';

/** Experiments that are asked for their progress; more are running only by mistake. */
const askedCountMax = 20;

export function runningExperiments(client: Client): RunningExperiments {
  return {
    async list() {
      const ids: string[] = [];
      const query = `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`;
      for await (const { workflowId } of client.workflow.list({ query })) {
        ids.push(workflowId);
        if (ids.length === askedCountMax) break;
      }
      const found = await Promise.all(ids.map((id) => find(client, id)));
      return found.filter((each) => each !== undefined);
    },
    find: (experimentId) => find(client, experimentId),
    recipeOf: async (experimentId) => parseRecipe((await inputsOfExperiment(client, experimentId)).recipe),
  };
}

async function find(client: Client, id: string): Promise<RunningExperiment | undefined> {
  try {
    const { experimentId, status, isOpen, progress } = await standingOf(client, id);
    return isOpen ? { experimentId, status, progress } : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
