/** Which examples each step of a run sees. */
import type { SftArm } from '../recipes/recipe.ts';
import { planMixture } from '../judge/mixture.ts';
import { trainedTasks } from '../recipes/task-sets.ts';
import type { MixInput, MixResult } from './contract.ts';
import { examplesOf } from './dataset-artifact.ts';
import type { ControlDeps } from './deps.ts';
import { durable } from './durable.ts';
import type { JsonCache } from './json-cache.ts';
import { recipeOf, trainedArm } from './recipe-access.ts';
import type { GrpoArm } from '../recipes/recipe.ts';

export function createMix(deps: ControlDeps, cache: JsonCache) {
  return async ({ recipe: recipeRef, dataset, arm: name, seed }: MixInput): Promise<MixResult> => {
    const recipe = await recipeOf(cache, recipeRef);
    const arm = trainedArm(recipe, name);
    const config = {
      tasks: trainedTasks(recipe, arm),
      seed,
      stepCount: arm.stepCount,
      exampleCountPerStep: exampleCountPerStep(arm),
    };
    const { outputs, summary, ...made } = await durable(deps, 'mix', { inputs: { dataset }, config }, async () => {
      const plan = planMixture({ ...config, examples: await examplesOf(cache, dataset) });
      return { outputs: { plan: await cache.put(plan) }, summary: { exampleCountByTask: plan.exampleCountByTask } };
    });
    return { ...made, ...outputs, ...summary };
  };
}

function exampleCountPerStep(arm: SftArm | GrpoArm): number {
  return arm.objective === 'sft' ? arm.exampleCountPerStep : arm.promptCountPerStep;
}
