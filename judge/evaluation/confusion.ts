/** Confusion matrix: counts of verdicts per label, with a last column for unparsable answers. */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

export const confusionScore: Metric<{ readonly confusion: Confusion }> = ({ outcomes, labels }) => ({
  confusion: confusionOf(outcomes, labels),
});

export interface Confusion {
  readonly labels: readonly string[];
  /** [label][verdict] counts, as scikit-learn's `confusion_matrix`; the last column counts unparsable answers. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts the outcomes. A verdict that is not a label counts as unparsable; outcomes whose label is unknown are skipped.
 */
export function confusionOf(outcomes: readonly Outcome[], labels: readonly string[]): Confusion {
  const columnOf = new Map(labels.map((label, i) => [label, i]));
  const counts = labels.map(() => Array.from({ length: labels.length + 1 }, () => 0));
  for (const { label, predicted } of outcomes) {
    const row = counts[columnOf.get(label) ?? -1];
    const column = predicted === undefined ? labels.length : (columnOf.get(predicted) ?? labels.length);
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  }
  return { labels, counts };
}
