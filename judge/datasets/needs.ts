/** The tasks and splits that a recipe requires. */
import type { Recipe } from '../../recipes/recipe.ts';
import { tasksOfDataset, trainedTasks } from '../../recipes/task-sets.ts';
import type { Split } from '../example.ts';
import { splitsOf } from './joining/splits.ts';

export interface NeededSplit {
  readonly task: string;
  readonly split: Split;
  /** Place in the recipe that requires it. */
  readonly where: string;
}

/**
 * Splits that must have an example after ingestion: training data of every trained task, evaluation data of every
 * out-of-distribution task, and every split that a dataset declares for each of its tasks.
 */
export function neededSplits(recipe: Recipe): NeededSplit[] {
  const trained = Object.entries(recipe.arms).flatMap(([arm, spec]) =>
    trainedTasks(recipe, spec).map((task) => ({ task, split: 'train' as const, where: `arms.${arm}` })),
  );
  const unseen = Object.entries(recipe.tasks)
    .filter(([, { ood }]) => ood)
    .map(([task]) => ({ task, split: recipe.evaluation.split, where: `tasks.${task}` }));
  const given = recipe.datasets.flatMap((spec, i) =>
    tasksOfDataset(spec).flatMap((task) =>
      splitsOf(spec.split).map((split) => ({ task, split, where: `datasets[${i}]` })),
    ),
  );
  return [...trained, ...unseen, ...given];
}
