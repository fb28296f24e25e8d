/**
 * Kind pairwise: two candidates, one of which is better, or neither. A verdict names a position, so every pair is
 * evaluated in both orders.
 */
import type { Kind, Labels, RowLabel, RowValues, UnknownLabel } from './kind.ts';
import { candidateNumbers, isNumberFields } from './candidate-numbers.ts';
import type { NumberFields } from '../../recipes/fields/dataset-options.ts';
import { labelOfField } from './row-label.ts';

export const pairwise = {
  meaning: 'two candidates (images, texts, or both), which is better; always evaluated in both orders.',
  labelsMeaning:
    'the label of the first candidate, then that of the second; then, if there are ties, one label for them, or one for both good and one for both bad.',
  fields: {},
  rewardFields: {},
  candidateCount: { min: 2, max: 2 },
  orders: () => [
    [0, 1],
    [1, 0],
  ],
  labelsArePlaces: true,
  tieLabel,
  labelsProblem: (labels) =>
    labels.length <= 4 ? undefined : 'two labels, for the first candidate and for the second, and at most two for ties',
  takesTwoLabelFields: true,
  labelOf(row, rule, task) {
    const { field } = rule;
    return isNumberFields(field) ? labelOfWinner(row, field, task.labels) : labelOfField(row, rule, task);
  },
  votesAre: 'labels',
  metrics: ['label', 'people', 'order', 'ties'],
  gateMetrics: ['balancedAccuracy', 'cohenKappa', 'krippendorffAlpha', 'consistencyRate'],
  words: { examples: 'pairs', orders: 'both orders' },
} as const satisfies Kind;

function tieLabel([, , tie, bothBad]: Labels): string | undefined {
  return bothBad === undefined ? tie : undefined;
}

/** Label of the candidate whose number wins; equal numbers are a tie, if the task has one label for it. */
function labelOfWinner(row: RowValues, field: NumberFields, labels: Labels): RowLabel | UnknownLabel {
  const { values, names } = candidateNumbers(row, field);
  const [first, second] = values;
  if (first === undefined || second === undefined || values.length > 2)
    return { unknown: `${values.length} numbers for two candidates` };
  const difference = first - second;
  const tie = tieLabel(labels);
  if (difference === 0 && tie !== undefined) return { label: tie };
  if (difference === 0) return { unknown: `${names.join(' and ')} are equal` };
  return { label: difference > 0 ? labels[0] : labels[1] };
}
