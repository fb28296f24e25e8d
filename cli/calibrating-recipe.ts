/**
 * The recipe that a calibration is fitted with: the same tasks and data, evaluated on `val`, with label probabilities and
 * nothing else. Without arms of its own, because nothing is trained and a validation would want the same split.
 */
import { MtrlError } from '../core/errors.ts';
import type { AnswerMode } from '../judge/example.ts';
import { hasForcedChoice } from '../judge/kinds/table.ts';
import { changedRecipe, type LoadedRecipe } from '../recipes/load.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { hasSplit, tasksOfDataset } from '../recipes/task-sets.ts';

const split = 'val';

/** @param wanted by default the tasks that have validation data and verdicts that are labels. Throws USAGE. */
export function calibratingRecipe(recipe: Recipe, wanted: readonly string[], mode: AnswerMode): LoadedRecipe {
  if (recipe.evaluation.split === split)
    throw new MtrlError('USAGE', 'the recipe measures its judges on val', {
      where: 'evaluation.split',
      hint: 'a calibration is fitted on val and must not see what judges are measured on: use test there',
    });
  const validated = new Set(
    recipe.datasets.flatMap((dataset) => (hasSplit(dataset, split) ? tasksOfDataset(dataset) : [])),
  );
  const able = Object.entries(recipe.tasks).flatMap(([task, spec]) => {
    return validated.has(task) && hasForcedChoice(spec) ? [task] : [];
  });
  const unable = wanted.find((task) => !able.includes(task));
  const tasks = wanted.length > 0 ? wanted : able;
  if (unable !== undefined || tasks.length === 0)
    throw new MtrlError('USAGE', `no calibration can be fitted for ${unable ?? 'any task of the recipe'}`, {
      where: unable === undefined ? 'datasets' : '--task',
      found: `tasks with examples of the split val and with labels: ${able.join(', ') || 'none'}`,
      hint: 'give a dataset a validation split, such as `split: { train: 0.8, val: 0.1, test: 0.1 }`',
    });
  const { promotion: _, evaluation, ...rest } = recipe;
  const { exampleCountMax, tokenCountMax, seed, promptCountPerBatch } = evaluation;
  const calibrating = {
    ...rest,
    tasks: Object.fromEntries(Object.entries(recipe.tasks).filter(([task, { ood }]) => !ood || tasks.includes(task))),
    datasets: recipe.datasets.flatMap((dataset): Recipe['datasets'] => withTasks(recipe, dataset, tasks)),
    arms: { judge: { objective: 'none', mode } },
    evaluation: {
      ...{ split, tasks, tokenCountMax, seed, promptCountPerBatch, modes: ['strict', 'forced-choice'] },
      ...(exampleCountMax !== undefined && { exampleCountMax }),
    },
  };
  return changedRecipe(calibrating, []);
}

/** Without the out-of-distribution tasks that are not calibrated, which need no validation data. */
function withTasks(recipe: Recipe, dataset: Recipe['datasets'][number], wanted: readonly string[]): Recipe['datasets'] {
  const isKept = (task: string): boolean => recipe.tasks[task]?.ood === false || wanted.includes(task);
  if (dataset.reader !== 'judge-world') return isKept(dataset.task) ? [dataset] : [];
  const tasks = dataset.tasks.filter((task) => isKept(dataset.as?.[task] ?? task));
  return tasks.length === 0 ? [] : [{ ...dataset, tasks }];
}
