/** Judges unlabelled rows (judged-rows.ts) by the endpoint of an arm. */
import { required } from '../../../core/assert.ts';
import type { JudgeRowsEndpointInput, JudgeRowsEndpointResult } from '../../../contract/endpoints.ts';
import { endpointOf } from '../../../recipes/arms.ts';
import { openDataset } from '../../data/dataset-artifact.ts';
import type { ControlDeps } from '../../deps.ts';
import { durable } from '../../durable.ts';
import type { Caller } from '../../heartbeat.ts';
import type { JsonCache } from '../../json-cache.ts';
import { endpointPolicy } from '../../policies/endpoint-policy.ts';
import { armOf, promptingOf, recipeOf, taskOf } from '../../recipe-access.ts';
import { askerOfArm, noWaits } from './asker-of-arm.ts';
import { countsOf, judgedRows } from '../judged-rows.ts';
import type { JudgedRows } from '../judgments-artifact.ts';
import { noUsage } from './spending.ts';

/** Throws as `evaluateEndpoint` does, and is cancelled as it is. */
export function createJudgeRowsEndpoint(deps: ControlDeps, cache: JsonCache) {
  return async (input: JudgeRowsEndpointInput, caller: Caller): Promise<JudgeRowsEndpointResult> => {
    const { dataset: datasetRef, arm, task, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const policy = endpointPolicy(required(endpointOf(armOf(recipe, arm)), `an endpoint of arm ${arm}`));
    const endpoint = await cache.put(policy);
    const { tokenCountMax, seed } = recipe.evaluation;
    const key = {
      inputs: { endpoint, dataset: datasetRef },
      config: {
        ...promptingOf(recipe, [task]),
        ...{ task, mode, tokenCountMax, seed, stopSequences: recipe.stopSequences },
      },
    };
    const { outputs, summary, ...made } = await durable(deps, 'judgeRowsEndpoint', key, async () => {
      const dataset = await openDataset(cache, datasetRef);
      const { endpoint: model } = policy;
      const { asker, spending } = askerOfArm({
        ...{ deps, cache, recipe, model, arm, task, dataset, caller },
        before: noUsage,
      });
      const asking = { asker, dataset, waits: noWaits, spec: taskOf(recipe, task), mode };
      const rows = await judgedRows(asking, task, tokenCountMax);
      const artifact: JudgedRows = { schema: 1, task, rows };
      return {
        // The answers are kept for as long as the rows are.
        outputs: {
          rows: await cache.put(artifact),
          answers: await cache.put({ schema: 1, answers: asker.answered() }),
        },
        summary: { ...countsOf(rows), usage: spending.usage },
      };
    });
    return { ...made, ...summary, endpoint, rows: outputs.rows };
  };
}
