/**
 * Kind choice: the best of several candidates, whose number may differ by row. A verdict names a position, so every example
 * is evaluated in all rotations: each candidate is at each place once.
 */
import type { Kind, Labels, Order, RowLabel, RowValues, UnknownLabel } from './kind.ts';
import { candidateNumbers, isNumberFields } from './candidate-numbers.ts';
import type { NumberFields } from '../../recipes/fields/dataset-options.ts';
import { labelOfField } from './row-label.ts';

export const choice = {
  meaning: 'several candidates, which is best; always evaluated in all rotations.',
  labelsMeaning: 'one label for each place, as many as the row with the most candidates needs.',
  fields: {},
  rewardFields: {},
  candidateCount: { min: 2 },
  orders: (candidateCount) => Array.from({ length: candidateCount }, (_, first) => rotation(first, candidateCount)),
  labelsArePlaces: true,
  verdictLabels: (labels, candidateCount) => labels.slice(0, candidateCount) as unknown as Labels,
  takesTwoLabelFields: true,
  labelOf(row, rule, task) {
    const { field } = rule;
    return isNumberFields(field) ? labelOfBest(row, field, task.labels) : labelOfField(row, rule, task);
  },
  votesAre: 'labels',
  metrics: ['label', 'people', 'order'],
  gateMetrics: ['balancedAccuracy', 'cohenKappa', 'krippendorffAlpha', 'consistencyRate'],
  words: { examples: 'choices', orders: 'all rotations' },
} as const satisfies Kind;

const rotation = (first: number, count: number): Order => Array.from({ length: count }, (_, i) => (first + i) % count);

/** Label of the candidate whose number is best; unknown if two are. */
function labelOfBest(row: RowValues, field: NumberFields, labels: Labels): RowLabel | UnknownLabel {
  const { values, names } = candidateNumbers(row, field);
  const best = Math.max(...values);
  const places = values.flatMap((value, place) => (value === best ? [place] : []));
  const [place, other] = places;
  const label = place === undefined ? undefined : labels[place];
  if (other !== undefined) return { unknown: `${places.map((each) => names[each]).join(' and ')} are equal` };
  return label === undefined ? { unknown: `the best of ${values.length} candidates has no label` } : { label };
}
