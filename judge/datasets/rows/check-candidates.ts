/** Checks the number of a row's candidates. */
import type { TaskSpec } from '../../../recipes/recipe.ts';
import type { Example } from '../../example.ts';
import { candidateCountOf } from '../../kinds/candidate-count.ts';
import { isLabel } from '../../kinds/table.ts';
import { candidatesOf, ruleFor } from '../../tasks/candidates.ts';
import { UnusableRow } from '../reading.ts';

/** Throws UnusableRow for too few or too many candidates, or a label that is the place of none. */
export function checkCandidates(shown: Pick<Example, 'images' | 'candidates'>, label: string, task: TaskSpec): void {
  const count = candidateCountOf(task);
  if (count === undefined) return;
  const { min, max } = count;
  const { length } = candidatesOf(shown);
  if (length < min || length > max) {
    const allowed = min === max ? String(min) : `${min} to ${max}`;
    throw new UnusableRow('CANDIDATES_INVALID', `the row has ${length} candidates, a ${task.kind} task has ${allowed}`);
  }
  if (!isLabel(ruleFor(task, shown), label))
    throw new UnusableRow('LABEL_UNKNOWN', `${label} does not fit the ${length} candidates of the row`);
}
