/** How many answers a run is asked for, at its end and to validate it. */
import type { ArmPlan } from '../../contract/activities.ts';
import { isTrained } from '../../recipes/arms.ts';
import type { Arm, Recipe } from '../../recipes/recipe.ts';
import { evaluatedTasks } from '../../recipes/task-sets.ts';
import { countOf, type ExampleCount } from './example-counts.ts';
import { orderCountOf } from './run-work.ts';

/** In every order of the candidates, with samples, other prompts and probes; forced choice counts as one answer more. */
export function answerCount(recipe: Recipe, arm: Arm, plan: ArmPlan, counts: readonly ExampleCount[]): number {
  const { split, exampleCountMax = Infinity, extraExampleCountMax, modes, probes } = recipe.evaluation;
  const { sampleCount } = recipe.evaluation;
  const ownPrompt = arm.mode === 'think' ? 'think-prompt' : 'direct-prompt';
  const reread: readonly string[] = ['strict', 'first-label', 'forced-choice', ownPrompt];
  const otherCount =
    modes.filter((mode) => !reread.includes(mode)).length + probes.length + (sampleCount > 1 ? sampleCount : 0);
  const strictCount = modes.includes('forced-choice') ? 2 : 1;
  return tasksEvaluated(recipe, plan).reduce((sum, task) => {
    const exampleCount = Math.min(exampleCountMax, countOf(counts, task, split));
    const extraCount = Math.min(extraExampleCountMax, exampleCount);
    return sum + orderCountOf(recipe.tasks[task]) * (strictCount * exampleCount + otherCount * extraCount);
  }, 0);
}

/** Specialists of one task are not evaluated on the tasks of the others. */
export function tasksEvaluated(recipe: Recipe, { evaluatedTasks: own }: ArmPlan): readonly string[] {
  return own ?? evaluatedTasks(recipe);
}

/** Of one validation: strict answers alone. */
export function validationAnswerCount(
  recipe: Recipe,
  arm: Arm,
  { validation }: ArmPlan,
  counts: readonly ExampleCount[],
): number {
  if (validation === undefined || !isTrained(arm)) return 0;
  const exampleCountMax = arm.validation?.exampleCountMax ?? Infinity;
  return validation.tasks.reduce((sum, task) => {
    const exampleCount = Math.min(exampleCountMax, countOf(counts, task, validation.split));
    return sum + orderCountOf(recipe.tasks[task]) * exampleCount;
  }, 0);
}
