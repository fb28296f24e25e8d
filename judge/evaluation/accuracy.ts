/**
 * Accuracy: the share of examples whose verdict equals the label. Unparsable completions count as wrong. 0 for no
 * examples.
 */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

export const accuracyScore: Metric<{ readonly accuracy: number }> = ({ outcomes }) => ({
  accuracy: accuracyOf(outcomes),
});

export function accuracyOf(outcomes: readonly Outcome[]): number {
  let [right, total] = [0, 0];
  for (const { label, predicted, weight = 1 } of outcomes) {
    total += weight;
    if (label === predicted) right += weight;
  }
  return total === 0 ? 0 : right / total;
}
