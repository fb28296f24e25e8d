/** How many answers an arm is asked for at its end. */
import type { Arm, Recipe } from '../../recipes/recipe.ts';
import { evaluatedTasks } from '../../recipes/task-sets.ts';
import { countOf, type ExampleCount } from './example-counts.ts';
import { orderCountOf } from './run-work.ts';

/** In every order of the candidates, with samples, other prompts and probes; forced choice counts as one answer more. */
export function answerCount(recipe: Recipe, arm: Arm, counts: readonly ExampleCount[]): number {
  const { split, exampleCountMax = Infinity, extraExampleCountMax = Infinity, modes, probes } = recipe.evaluation;
  const { sampleCount } = recipe.evaluation;
  const ownPrompt = arm.mode === 'think' ? 'think-prompt' : 'direct-prompt';
  const reread: readonly string[] = ['strict', 'first-label', 'forced-choice', ownPrompt];
  const otherCount =
    modes.filter((mode) => !reread.includes(mode)).length + probes.length + (sampleCount > 1 ? sampleCount : 0);
  const strictCount = modes.includes('forced-choice') ? 2 : 1;
  return evaluatedTasks(recipe).reduce((sum, task) => {
    const exampleCount = Math.min(exampleCountMax, countOf(counts, task, split));
    const extraCount = Math.min(extraExampleCountMax, exampleCount);
    return sum + orderCountOf(recipe.tasks[task]) * (strictCount * exampleCount + otherCount * extraCount);
  }, 0);
}
