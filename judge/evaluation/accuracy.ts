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
  if (outcomes.length === 0) return 0;
  return outcomes.filter(({ label, predicted }) => label === predicted).length / outcomes.length;
}
