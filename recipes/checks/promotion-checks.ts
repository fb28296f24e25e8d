/** Checks that what `promotion` names exists: the gate can only use scores that an evaluation computes. */
import { gateMetricsOf } from '../../judge/kinds/table.ts';
import { type RecipeProblem, valueText } from './problem.ts';
import type { Recipe } from '../recipe.ts';
import { evaluatedTasks } from '../task-sets.ts';
import { unknownName } from './unknown-name.ts';

export function promotionProblems(recipe: Recipe): RecipeProblem[] {
  const { promotion, arms, tasks, absentData } = recipe;
  if (promotion === undefined) return [];
  const { minimums } = promotion.gate;
  const at = (i: number, field: 'task' | 'metric') => ['promotion', 'gate', 'minimums', i, field] as const;
  const allowed = 'nothing, because a promotion compares scores on all of the data';
  return [
    ...(absentData === undefined ? [] : [{ path: ['absentData'], found: valueText(absentData), allowed }]),
    ...unknownName(['promotion', 'arm'], promotion.arm, Object.keys(arms), 'arm'),
    ...minimums.flatMap(({ task }, i) => unknownName(at(i, 'task'), task, evaluatedTasks(recipe), 'evaluated task')),
    ...minimums.flatMap(({ task, metric }, i): RecipeProblem[] => {
      const spec = tasks[task];
      const measured: readonly string[] = spec ? gateMetricsOf(spec) : [metric];
      if (!measured.includes(metric)) {
        const allowed = `${measured.join(', ')}, because ${task} is ${spec?.kind ?? ''}${spec?.range === undefined ? '' : ' with a range'}`;
        return [{ path: at(i, 'metric'), found: valueText(metric), allowed }];
      }
      const first = minimums.findIndex((other) => other.task === task && other.metric === metric);
      if (first === i) return [];
      return [{ path: at(i, 'task'), found: `${metric} of ${task} twice`, allowed: 'one minimum per task and metric' }];
    }),
  ];
}
