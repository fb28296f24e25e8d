/** Which tasks and splits a recipe cannot do without. */
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import type { Split } from '../example.ts';
import { splitsOf } from './splits.ts';

function tasksOfDataset(spec: DatasetSpec): readonly string[] {
  return spec.reader === 'judge-world' ? spec.tasks : [spec.task];
}

/** Tasks that the arm trains on: those it names, or all that are not out of distribution; none without an objective. */
export function trainedTasks(recipe: Recipe, arm: Recipe['arms'][string]): readonly string[] {
  if (arm.objective === 'none') return [];
  return arm.tasks ?? Object.keys(recipe.tasks).filter((task) => recipe.tasks[task]?.ood === false);
}

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
