/** Checks of votes: that they fit the task's kind, and that the label has one source. */
import { isLabel, kindOf, kindsWhere } from '../../judge/kinds/table.ts';
import { standardVotes } from '../fields/vote-fields.ts';
import type { RowsSpec, TaskSpec } from '../recipe.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';

export function voteProblems(at: RecipePath, dataset: RowsSpec, task: TaskSpec): RecipeProblem[] {
  const { fields, votes, labelThresholds } = dataset;
  const { votesAre } = kindOf(task);
  if (fields.votes === undefined) {
    if (votes === undefined) return [];
    const allowed = 'nothing without fields.votes, which says where the votes are';
    return [{ path: [...at, 'votes'], found: valueText(votes), allowed }];
  }
  if (votesAre === undefined) {
    const takers = kindsWhere((kind) => kind.votesAre !== undefined).join(', ');
    const allowed = `nothing, because ${dataset.task} is ${task.kind}; votes are for ${takers} tasks`;
    return [{ path: [...at, 'fields', 'votes'], found: valueText(fields.votes), allowed }];
  }
  if (task.range !== undefined) {
    const allowed = `nothing, because ${dataset.task} has a range: give the mean of the votes as fields.label`;
    return [{ path: [...at, 'fields', 'votes'], found: valueText(fields.votes), allowed }];
  }
  const { labelBy, undecided } = votes ?? standardVotes;
  const problems: RecipeProblem[] = [];
  if (labelBy !== 'field' && fields.label !== 'label') {
    const allowed = 'nothing, because the votes make the label; or votes.labelBy: field';
    problems.push({ path: [...at, 'fields', 'label'], found: valueText(fields.label), allowed });
  }
  if (labelBy === 'mean' && votesAre !== 'numbers' && labelThresholds === undefined) {
    const allowed = 'mean for score tasks, or with labelThresholds';
    problems.push({ path: [...at, 'votes', 'labelBy'], found: valueText(labelBy), allowed });
  }
  if (typeof fields.votes === 'object' && 'counts' in fields.votes && [labelBy, undecided].includes('first')) {
    const name = labelBy === 'first' ? 'labelBy' : 'undecided';
    const allowed = 'another value, because counts do not say which vote was the first';
    problems.push({ path: [...at, 'votes', name], found: valueText('first'), allowed });
  }
  if (typeof undecided === 'object' && !isLabel(task, undecided.label)) {
    const allowed = `a label of ${dataset.task}: ${task.labels.join(', ')}`;
    problems.push({ path: [...at, 'votes', 'undecided', 'label'], found: valueText(undecided.label), allowed });
  }
  return problems;
}
