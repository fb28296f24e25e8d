/** acc+, as in MME: the share of groups of examples (an image, a question) of which all judgments are right. */
import { isRight } from '../../kinds/table.ts';
import type { Metric } from '../metric.ts';

export interface AccPlus {
  readonly groupCount: number;
  /** In [0, 1]. An example in several orders is right if it is in all. */
  readonly rate: number;
}

interface AccPlusScores {
  /** Present if a group has several examples, or if the task says what a group is. */
  readonly accPlus?: AccPlus;
}

export const accPlusScores: Metric<AccPlusScores> = ({ judged, task }) => {
  const { accPlusBy } = task;
  const groups = new Map<string, boolean>();
  let exampleCount = 0;
  for (const { example, judgment, reordered } of judged) {
    const key = accPlusBy === undefined ? example.groupKey : (example.attributes?.[accPlusBy] ?? example.id);
    const right = judgment.ok && isRight(task, judgment.verdict, example.label);
    groups.set(key, (groups.get(key) ?? true) && right);
    if (reordered === undefined) exampleCount++;
  }
  if (accPlusBy === undefined && groups.size >= exampleCount) return undefined;
  const rate = [...groups.values()].filter(Boolean).length / groups.size;
  return { accPlus: { groupCount: groups.size, rate } };
};
