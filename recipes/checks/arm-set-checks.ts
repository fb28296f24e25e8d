/** Checks of all arms together: how many runs they make, and whether specialists can be shown as one arm. */
import type { Recipe } from '../recipe.ts';
import { runCount, runCountMax, runCountText } from '../run-count.ts';
import { trainedTasks } from '../task-sets.ts';
import type { RecipeProblem } from './problem.ts';

export function armSetProblems(recipe: Recipe): RecipeProblem[] {
  const total = runCount(recipe);
  const tooMany: RecipeProblem = {
    path: ['arms'],
    found: `${String(total)} runs: ${runCountText(recipe)}`,
    allowed: `at most ${String(runCountMax)} runs; vary fewer values, or fewer fields at a time`,
  };
  return [...(total > runCountMax ? [tooMany] : []), ...specialistProblems(recipe)];
}

/** `single` makes them so; a recipe may also write them itself. */
function specialistProblems(recipe: Recipe): RecipeProblem[] {
  const taken = new Map<string, string>();
  return Object.entries(recipe.arms).flatMap(([name, arm]): RecipeProblem[] => {
    const { specialistOf } = arm;
    if (specialistOf === undefined) return [];
    const path = ['arms', name, 'specialistOf'];
    const trained = trainedTasks(recipe, arm);
    if (recipe.arms[specialistOf] !== undefined)
      return [{ path, found: `${specialistOf}, which is an arm of its own`, allowed: 'a name that no arm has' }];
    const [task = ''] = trained;
    if (trained.length !== 1)
      return [
        { path, found: `an arm that trains on ${String(trained.length)} tasks`, allowed: 'an arm with one task' },
      ];
    const key = `${specialistOf} ${task}`;
    const other = taken.get(key);
    taken.set(key, name);
    if (other === undefined) return [];
    return [{ path, found: `${name} and ${other} for ${task}`, allowed: `one specialist of ${specialistOf} a task` }];
  });
}
