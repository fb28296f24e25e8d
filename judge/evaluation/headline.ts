/** The figure that a benchmark itself publishes, taken from the scores of the task that names it. */
import type { HeadlineMetric } from '../../recipes/fields/headline-field.ts';
import type { TaskScores } from './task-scores.ts';

export interface Headline {
  readonly metric: HeadlineMetric;
  /** In words, as reports print it. */
  readonly name: string;
  /** A share in [0, 1], or a coefficient in [-1, 1]. Absent if the answers give it nothing to measure. */
  readonly value?: number;
}

const headlines: Readonly<
  Record<HeadlineMetric, { readonly name: string; readonly of: (scores: TaskScores) => number | undefined }>
> = {
  accuracy: { name: 'accuracy', of: ({ accuracy }) => accuracy },
  macroF1: { name: 'Macro-F1', of: ({ macroF1 }) => macroF1 },
  macroAccuracy: {
    name: 'mean accuracy of the slices',
    of: ({ slices: [first] = [] }) => first?.macroMean['accuracy'],
  },
  accuracyWithoutTies: { name: 'accuracy without ties', of: ({ withoutTies }) => withoutTies?.accuracy },
  consistentAccuracy: { name: 'right in all orders', of: ({ consistentAccuracy }) => consistentAccuracy },
  accPlus: { name: 'acc+', of: ({ accPlus }) => accPlus?.rate },
  pearson: { name: "Pearson's r", of: ({ correlation }) => correlation?.pearson },
  spearman: { name: "Spearman's rho", of: ({ correlation }) => correlation?.spearman },
  exactRate: { name: 'exact', of: ({ exactRate }) => exactRate },
  pairAccuracy: { name: 'pairs in order', of: ({ pairAccuracy }) => pairAccuracy },
  editDistance: { name: 'edit distance, 0 is best', of: ({ editDistance }) => editDistance },
  tiesScore: { name: 'Ties score', of: ({ tiesScore }) => tiesScore?.score },
  kendallTau: { name: "Kendall's tau", of: ({ rankCorrelation }) => rankCorrelation?.kendallTau },
};

export function headlineOf(metric: HeadlineMetric, scores: TaskScores): Headline {
  const { name, of } = headlines[metric];
  const value = of(scores);
  return { metric, name, ...(value !== undefined && { value }) };
}
