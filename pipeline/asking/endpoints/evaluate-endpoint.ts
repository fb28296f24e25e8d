/** Evaluates the endpoint of an arm on one task (evaluate-task.ts): the policy is somebody else's, and only asked. */
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import type { EvaluateEndpointInput, EvaluateEndpointResult } from '../../../contract/endpoints.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { openDataset } from '../../data/dataset-artifact.ts';
import type { ControlDeps } from '../../deps.ts';
import { durable } from '../../durable.ts';
import type { Caller } from '../../heartbeat.ts';
import type { JsonCache } from '../../json-cache.ts';
import { endpointPolicyFormat } from '../../policies/endpoint-policy.ts';
import { promptingOf, recipeOf, taskOf } from '../../recipe-access.ts';
import { askerOfArm, noWaits } from './asker-of-arm.ts';
import { evaluateTask, settingsOf } from '../evaluate-task.ts';
import { summaryOf } from '../kept-evaluation.ts';
import { noUsage } from './spending.ts';

interface Summary {
  readonly scores: TaskScores;
}

/**
 * Ends by itself soon after the caller cancels: requests in flight are answered and stored first. Throws
 * ENDPOINT_REFUSED, ENDPOINT_UNREACHABLE, ENDPOINT_ANSWER_INVALID, ENDPOINT_COST_CEILING.
 */
export function createEvaluateEndpoint(deps: ControlDeps, cache: JsonCache) {
  return async (input: EvaluateEndpointInput, caller: Caller): Promise<EvaluateEndpointResult> => {
    const { dataset, endpoint, task, split, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const prompting = promptingOf(recipe, [task]);
    const key = {
      inputs: { endpoint, dataset },
      config: {
        ...prompting,
        evaluation: settingsOf(recipe, task),
        stopSequences: recipe.stopSequences,
        ...{ task, split, mode },
      },
    };
    const { outputs, summary, ...made } = await durable<'judgments' | 'answers', Summary>(
      deps,
      'evaluateEndpoint',
      key,
      async () => {
        const { artifact, scores, answers } = await evaluated(deps, cache, recipe, input, caller);
        return {
          // The answers are kept for as long as the evaluation is.
          outputs: { judgments: await cache.put(artifact), answers: await cache.put({ schema: 1, answers }) },
          summary: { scores },
        };
      },
    );
    const { usage = noUsage } = summary.scores;
    return { ...made, judgments: outputs.judgments, scores: summaryOf(summary.scores), usage };
  };
}

async function evaluated(
  deps: ControlDeps,
  cache: JsonCache,
  recipe: Recipe,
  { dataset, endpoint: policy, arm, task, split, mode, before }: EvaluateEndpointInput,
  caller: Caller,
) {
  const { endpoint: model } = await cache.getDocument(policy, endpointPolicyFormat);
  const opened = await openDataset(cache, dataset);
  const { asker, spending } = askerOfArm({ deps, cache, recipe, model, arm, task, before, dataset: opened, caller });
  const asking = { asker, dataset: opened, waits: noWaits, spec: taskOf(recipe, task), mode };
  const { artifact, scores } = await evaluateTask(asking, recipe, { task, split });
  const answers: readonly ArtifactRef[] = asker.answered();
  return { artifact, scores: { ...scores, usage: spending.usage }, answers };
}
