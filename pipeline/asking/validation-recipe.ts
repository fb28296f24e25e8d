/** The recipe as a validation asks by it: everything beyond strict answers is for the selected policy alone. */
import type { Recipe } from '../../recipes/recipe.ts';
import { trainedArm } from '../recipe-access.ts';

export function validationRecipe(recipe: Recipe, arm: string): Recipe {
  const { exampleCountMax: _, ...evaluation } = recipe.evaluation;
  const { exampleCountMax } = trainedArm(recipe, arm).validation ?? {};
  return {
    ...recipe,
    evaluation: {
      ...{ ...evaluation, modes: ['strict'], probes: [], sampleCount: 1, rationaleCues: {} },
      ...(exampleCountMax !== undefined && { exampleCountMax }),
    },
  };
}
