import type { TaskScores } from '../../contract/activities.ts';

/** Mean Macro-F1 over the tasks that were trained on; undefined when there are none. */
export function meanMacroF1(scores: readonly Pick<TaskScores, 'ood' | 'macroF1'>[]): number | undefined {
  const known = scores.flatMap(({ ood, macroF1 }) => (ood || macroF1 === undefined ? [] : [macroF1]));
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
