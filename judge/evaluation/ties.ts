/** Accuracy where people prefer one candidate: the figure that benchmarks publish as "without ties". */
import { accuracyOf } from './accuracy.ts';
import type { Metric } from './metric.ts';

interface TieScores {
  /** Over the examples whose label is no tie; a verdict of a tie is wrong there. Absent without ties. */
  readonly withoutTies?: { readonly judgmentCount: number; readonly accuracy: number };
  /** Share of parsable verdicts that are a tie. */
  readonly tieRate?: number;
}

export const tieScores: Metric<TieScores> = ({ outcomes, labels }) => {
  const ties: readonly string[] = labels.slice(2);
  if (ties.length === 0) return undefined;
  const decided = outcomes.filter(({ label }) => !ties.includes(label));
  const said = outcomes.flatMap(({ predicted }) => predicted ?? []);
  return {
    ...(decided.length > 0 && { withoutTies: { judgmentCount: decided.length, accuracy: accuracyOf(decided) } }),
    ...(said.length > 0 && { tieRate: said.filter((verdict) => ties.includes(verdict)).length / said.length }),
  };
};
