/** Checks of an arm's validation: the examples that it needs, and what would make its selection meaningless. */
import { trainedArms } from '../arms.ts';
import type { Recipe } from '../recipe.ts';
import { hasSplit, tasksOfDataset, trainedTasks } from '../task-sets.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';

/** Limits what a run carries and a report shows. */
const validationCountMax = 200;

export function validationProblems(recipe: Recipe): RecipeProblem[] {
  return trainedArms(recipe).flatMap(([name, arm]) => {
    const { validation, stepCount, averagedSnapshotCount } = arm;
    if (validation === undefined) return [];
    const at: RecipePath = ['arms', name, 'validation'];
    const { split, everyStepCount } = validation;
    const problems = missingProblems(recipe, at, trainedTasks(recipe, arm), split);
    if (recipe.evaluation.split === split) {
      const allowed = `another split, because arm ${name} selects its checkpoint on ${split}`;
      problems.push({ path: ['evaluation', 'split'], found: valueText(split), allowed });
    }
    if (everyStepCount * validationCountMax < stepCount) {
      const allowed = `>= ${Math.ceil(stepCount / validationCountMax)}: at most ${validationCountMax} validations in ${stepCount} steps`;
      problems.push({ path: [...at, 'everyStepCount'], found: valueText(everyStepCount), allowed });
    }
    if (averagedSnapshotCount !== undefined) {
      const allowed = 'nothing, because the arm has a validation, which selects one snapshot';
      problems.push({
        path: ['arms', name, 'averagedSnapshotCount'],
        found: valueText(averagedSnapshotCount),
        allowed,
      });
    }
    return problems;
  });
}

function missingProblems(
  { datasets }: Recipe,
  at: RecipePath,
  tasks: readonly string[],
  split: 'val',
): RecipeProblem[] {
  const missing = tasks.filter(
    (task) => !datasets.some((dataset) => hasSplit(dataset, split) && tasksOfDataset(dataset).includes(task)),
  );
  if (missing.length === 0) return [];
  const found = `${valueText(split)}, and no ${split} dataset of ${missing.join(', ')}`;
  return [
    { path: [...at, 'split'], found, allowed: `an entry of datasets with split: ${split} for every trained task` },
  ];
}
