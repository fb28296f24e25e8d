/** How often each label was answered with each verdict; the last column is for unparsable answers. */
import type { Outcome } from './outcome.ts';

export interface Confusion {
  readonly labels: readonly string[];
  /** [label][verdict], counts; the last column is the unparsable. As scikit-learn's `confusion_matrix`. */
  readonly counts: readonly (readonly number[])[];
}

/** A verdict outside the labels counts as unparsable; an outcome whose label is outside them is left out. */
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
