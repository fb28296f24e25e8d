/**
 * Kind pairwise: two images, one of which is better. A verdict names a position, so every pair is evaluated in both
 * orders.
 */
import type { Kind, Labels, LabelRule, RowLabel, RowValues, UnknownLabel } from './kind.ts';
import { labelOfField } from './row-label.ts';

export const pairwise = {
  meaning: 'two images, which is better; always evaluated in both orders.',
  labelsMeaning: 'the label of the first image, then that of the second.',
  fields: {},
  rewardFields: {},
  imageCount: 2,
  orders: [
    [0, 1],
    [1, 0],
  ],
  labelsArePlaces: true,
  labelsProblem: (labels) => (labels.length === 2 ? undefined : 'two labels: for the first image and for the second'),
  takesTwoLabelFields: true,
  labelOf(row, rule, task) {
    const { field } = rule;
    return typeof field === 'string' ? labelOfField(row, rule, task) : labelOfWinner(row, field, task.labels);
  },
  metrics: ['label', 'order'],
  gateMetrics: ['consistencyRate'],
  words: { examples: 'pairs', orders: 'both orders' },
} as const satisfies Kind;

/** Label of the image whose number wins; unknown on a tie. */
function labelOfWinner(
  row: RowValues,
  field: Exclude<LabelRule['field'], string>,
  labels: Labels,
): RowLabel | UnknownLabel {
  const [sign, [first, second]] = 'greaterOf' in field ? [1, field.greaterOf] : [-1, field.lesserOf];
  const difference = sign * (row.number(first) - row.number(second));
  if (difference === 0) return { unknown: `${first} and ${second} are equal` };
  return { label: difference > 0 ? labels[0] : labels[1] };
}
