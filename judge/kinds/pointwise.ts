/** Kind pointwise: one input, and a verdict from a fixed set of labels. */
import type { Kind } from './kind.ts';
import { labelOfField } from './row-label.ts';

export const pointwise = {
  meaning: 'one thing to judge (no image, one or several), a verdict from the labels.',
  fields: {},
  rewardFields: {},
  orders: () => [[0]],
  labelsArePlaces: false,
  takesTwoLabelFields: false,
  labelOf: labelOfField,
  votesAre: 'labels',
  metrics: ['label', 'people'],
  gateMetrics: ['balancedAccuracy', 'cohenKappa', 'krippendorffAlpha'],
  words: { examples: 'examples' },
} as const satisfies Kind;
