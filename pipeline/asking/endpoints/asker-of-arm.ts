/** The asker of an arm that asks an endpoint: its client, its stored answers, and what they may cost. */
import { required } from '../../../core/assert.ts';
import type { EndpointUsage } from '../../../judge/evaluation/endpoint-usage.ts';
import { endpointTable } from '../../../policy/engines/endpoint-table.ts';
import type { EndpointModel } from '../../../policy/engines/endpoint.ts';
import { endpointOf } from '../../../recipes/arms.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { OpenDataset } from '../../data/dataset-artifact.ts';
import { imageBytes } from '../../data/image-table.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Caller } from '../../heartbeat.ts';
import type { JsonCache } from '../../json-cache.ts';
import { armOf, taskOf } from '../../recipe-access.ts';
import { retryAfterMsOf } from '../../retry-after.ts';
import { type EndpointAsker, endpointAsker } from './endpoint-asker.ts';
import { KeptEndpointAnswers } from './kept-endpoint-answers.ts';
import { Spending } from './spending.ts';

export interface ArmAsking {
  readonly deps: ControlDeps;
  readonly cache: JsonCache;
  readonly recipe: Recipe;
  readonly arm: string;
  readonly task: string;
  readonly model: EndpointModel;
  readonly dataset: OpenDataset;
  /** What the arm's answers cost before. */
  readonly before: EndpointUsage;
  readonly caller: Caller;
}

/** Nothing is held while an endpoint is awaited. */
export const noWaits = { for: <T>(work: Promise<T>) => work };

export function askerOfArm(asking: ArmAsking): { readonly asker: EndpointAsker; readonly spending: Spending } {
  const { deps, cache, recipe, arm, task, model, dataset, before, caller } = asking;
  const spec = required(endpointOf(armOf(recipe, arm)), `an endpoint of arm ${arm}`);
  const { keyVariable, timeoutMs, requestCountMax } = spec;
  const endpoint = endpointTable.openai(
    { ...model, keyVariable, timeoutMs },
    {
      environment: deps.environment ?? {},
      signal: caller.cancellationSignal,
      retryAfterMsOf,
      onRetry: ({ code, details }, waitMs) => {
        deps.log.warn({ code, where: details.where, found: details.found, waitMs }, 'the endpoint is asked again');
      },
    },
  );
  const spending = new Spending(spec, before, `arms.${arm}.policy`);
  const asker = endpointAsker({
    ...{ endpoint, spending, requestCountMax, modeWords: recipe.modeWords, spec: taskOf(recipe, task) },
    kept: new KeptEndpointAnswers(deps, model.address, endpoint),
    read: (digest) => imageBytes(cache, dataset.artifact, digest),
    seed: recipe.evaluation.seed,
    stopSequences: recipe.stopSequences ?? [],
  });
  return { asker, spending };
}
