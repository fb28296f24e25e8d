/** Which tasks and splits a recipe cannot do without. */
import type { Recipe } from '../../recipes/recipe.ts';
import { tasksOfDataset, trainedTasks } from '../../recipes/task-sets.ts';
import type { Split } from '../example.ts';
import { splitsOf } from './joining/splits.ts';

export interface NeededSplit {
  readonly task: string;
  readonly split: Split;
  /** Place in the recipe that needs it. */
  readonly where: string;
}

/**
 * What must have an example when ingestion is done: training data of every trained task, evaluation data of every
 * out-of-distribution task, and something of each task of each dataset.
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
