/** A recipe without the data that is missing. */
import { MtrlError } from '../core/errors.ts';
import type { AbsentData } from './fields/absent-data-field.ts';
import type { Recipe } from './recipe.ts';
import { tasksOfDataset, trainedTasks } from './task-sets.ts';

/** Indices of the datasets that a run may do without: an arm that lost training data would be another one. */
export function dispensableDatasets(recipe: Recipe): number[] {
  if (recipe.absentData !== 'leave-out') return [];
  const trained = new Set(Object.values(recipe.arms).flatMap((arm) => trainedTasks(recipe, arm)));
  return recipe.datasets.flatMap((dataset, index) =>
    tasksOfDataset(dataset).some((task) => trained.has(task)) ? [] : [index],
  );
}

/**
 * Leaves out datasets, tasks that have no other, and what the evaluation says of these tasks.
 * @param absent by the index of the dataset
 * @throws DATASET_EMPTY if nothing is left
 */
export function withoutAbsent(recipe: Recipe, absent: ReadonlyMap<number, AbsentData>): Recipe {
  const list = [...absent.values()];
  const datasets = recipe.datasets.filter((_, index) => !absent.has(index));
  const kept = new Set(datasets.flatMap(tasksOfDataset));
  const gone = new Set(list.map(({ task }) => task).filter((task) => !kept.has(task)));
  const isKept = (task: string): boolean => !gone.has(task);
  const keptOf = <T>(byTask: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(byTask).filter(([task]) => isKept(task)));
  const { evaluation } = recipe;
  const tasks = keptOf(recipe.tasks);
  const evaluated = evaluation.tasks?.filter(isKept);
  if (datasets.length === 0 || evaluated?.length === 0)
    throw new MtrlError('DATASET_EMPTY', 'nothing is left to evaluate: all of the data is missing', {
      where: 'absentData',
      found: absentTexts(list).join('; '),
      hint: 'dataFolder is where the paths of datasets start; adapters say in their comments which files they expect',
    });
  return {
    ...recipe,
    ...{ tasks, datasets, absentData: list },
    evaluation: {
      ...evaluation,
      ...(evaluated && { tasks: evaluated }),
      paraphrases: keptOf(evaluation.paraphrases),
      longerAnswer: keptOf(evaluation.longerAnswer),
      rationaleCues: keptOf(evaluation.rationaleCues),
    },
  };
}

/** What was left out of a run. */
export function absentOf({ absentData }: Pick<Recipe, 'absentData'>): readonly AbsentData[] {
  return typeof absentData === 'object' ? absentData : [];
}

/** A line each. */
export const absentTexts = (absent: readonly AbsentData[]): string[] =>
  absent.map(({ task, path, reason }) => `${task}: ${reason.includes(path) ? '' : `${path}: `}${reason}`);
