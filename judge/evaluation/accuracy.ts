/** Share of examples whose verdict is their label; an unparsable completion is wrong. 0 for no examples. */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

export const accuracyScore: Metric<{ readonly accuracy: number }> = ({ outcomes }) => ({
  accuracy: accuracyOf(outcomes),
});

export function accuracyOf(outcomes: readonly Outcome[]): number {
  if (outcomes.length === 0) return 0;
  return outcomes.filter(({ label, predicted }) => label === predicted).length / outcomes.length;
}
