/** Starts an experiment that has ended again, with what it was started with: finished work is found in the store. */
import type { WorkflowIdReusePolicy } from '@temporalio/client';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { inputsOfExperiment, start } from './experiments.ts';
import type { Stack } from './stack.ts';

export async function startAgain(stack: Stack, experimentId: string, reuse: WorkflowIdReusePolicy): Promise<void> {
  const { recipe, options } = await inputsOfExperiment(stack.client, experimentId);
  const request = {
    ...{ experimentId, recipe: recipe as RecipeInput, parsed: parseRecipe(recipe) },
    ...(options && { options }),
  };
  await start(stack, request, reuse);
}
