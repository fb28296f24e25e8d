/** Which tasks an arm trains on and which tasks are evaluated: determined only here. */
import { isTrained } from './arms.ts';
import type { Arm, Recipe } from './recipe.ts';

/** The tasks that the arm trains on, in the recipe's order. Empty for an arm that trains nothing. */
export function trainedTasks(recipe: Recipe, arm: Arm): readonly string[] {
  if (!isTrained(arm)) return [];
  return Object.keys(recipe.tasks).filter((task) => arm.tasks?.includes(task) ?? recipe.tasks[task]?.ood === false);
}

/** The evaluated tasks, in the recipe's order; every arm is evaluated on all of them. */
export function evaluatedTasks(recipe: Recipe): readonly string[] {
  return Object.keys(recipe.tasks).filter((task) => recipe.evaluation.tasks?.includes(task) ?? true);
}

/** Whether a dataset entry has examples in that split, whether given or made by seed. */
export function hasSplit({ split }: Recipe['datasets'][number], name: 'train' | 'val' | 'test'): boolean {
  return typeof split === 'string' ? split === name : split[name] > 0;
}

/** The tasks that a dataset entry holds examples of. */
export function tasksOfDataset(dataset: Recipe['datasets'][number]): readonly string[] {
  return dataset.reader === 'judge-world' ? dataset.tasks.map((task) => dataset.as?.[task] ?? task) : [dataset.task];
}
