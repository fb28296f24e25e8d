/** The tiny recipe with a validation split and one supervised arm, which validates every two steps by accuracy. */
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

export interface ValidatedSettings {
  readonly stepCount: number;
  readonly validation: { readonly exampleCountMax: number; readonly patience?: number };
  readonly evaluation?: RecipeInput['evaluation'];
}

export function validatedRecipe({ stepCount, validation, evaluation }: ValidatedSettings): RecipeInput {
  const tiny = tinyRecipe({ sftStepCount: stepCount, grpoStepCount: 1 });
  const sft = tiny.arms['sft-start'];
  if (sft?.objective !== 'sft') throw new Error('the tiny recipe trains sft-start by examples');
  return {
    ...tiny,
    datasets: [
      ...tiny.datasets,
      { reader: 'judge-world', tasks: ['technical', 'safety'], split: 'val', exampleCount: 8, seed: 3 },
    ],
    arms: { sft: { ...sft, validation: { everyStepCount: 2, metric: 'accuracy', ...validation } } },
    evaluation: { ...tiny.evaluation, ...evaluation, tasks: ['safety'] },
  };
}
