/** Checks of an arm's limits on the means of its steps. */
import { isRl } from '../arms.ts';
import type { Recipe } from '../recipe.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';

export function guardProblems({ arms }: Recipe): RecipeProblem[] {
  return Object.entries(arms).flatMap(([name, arm]): RecipeProblem[] => {
    const collapse = isRl(arm) ? arm.guards?.collapse : undefined;
    if (collapse === undefined) return [];
    const at: RecipePath = ['arms', name, 'guards', 'collapse'];
    const { action: _action, stepCount: _stepCount, ...limits } = collapse;
    if (Object.keys(limits).length === 0) {
      const allowed =
        'at least one of rewardMin, entropyMin, formatRateMin, completionTokenCountMin, completionTokenCountMax';
      return [{ path: at, found: 'no limit', allowed }];
    }
    const { completionTokenCountMin: min = 0, completionTokenCountMax: max = Infinity } = limits;
    if (min <= max) return [];
    const allowed = `>= ${String(min)}, the completionTokenCountMin`;
    return [{ path: [...at, 'completionTokenCountMax'], found: valueText(max), allowed }];
  });
}
