/** Majority baseline: a judge that always answers the most common label. */
import { macroF1 } from './macro-f1.ts';
import type { Metric } from './metric.ts';

export const majorityScore: Metric<{ readonly majorityMacroF1: number }> = ({ outcomes, labels }) => ({
  majorityMacroF1: majorityMacroF1(
    outcomes.map(({ label }) => label),
    labels,
  ),
});

/** The most common label; on a tie, the first in `labels`. */
export function majorityLabel(exampleLabels: readonly string[], labels: readonly [string, ...string[]]): string {
  const count = (label: string): number => exampleLabels.filter((each) => each === label).length;
  return labels.reduce((best, label) => (count(label) > count(best) ? label : best), labels[0]);
}

/** Macro-F1 of the majority baseline on these examples. */
export function majorityMacroF1(exampleLabels: readonly string[], labels: readonly [string, ...string[]]): number {
  const predicted = majorityLabel(exampleLabels, labels);
  return macroF1(
    exampleLabels.map((label) => ({ label, predicted })),
    labels,
  );
}
