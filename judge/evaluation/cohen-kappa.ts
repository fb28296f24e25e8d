/**
 * Cohen's kappa (1960): agreement of judge and people beyond what their label frequencies give by chance, as
 * scikit-learn's `cohen_kappa_score`. An unparsable answer is a class of its own that nobody agrees with.
 */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

interface KappaScore {
  /** In [-1, 1]. Absent where chance alone would always agree. */
  readonly cohenKappa?: number;
}

export const cohenKappaScore: Metric<KappaScore> = ({ outcomes }) => {
  const kappa = cohenKappa(outcomes);
  return kappa === undefined ? undefined : { cohenKappa: kappa };
};

/** In [-1, 1]; undefined where chance alone would agree always (one class on both sides), and for no examples. */
export function cohenKappa(outcomes: readonly Outcome[]): number | undefined {
  const total = outcomes.length;
  const labelCounts = new Map<string, number>();
  const verdictCounts = new Map<string, number>();
  let agreed = 0;
  for (const { label, predicted } of outcomes) {
    labelCounts.set(label, (labelCounts.get(label) ?? 0) + 1);
    if (predicted !== undefined) verdictCounts.set(predicted, (verdictCounts.get(predicted) ?? 0) + 1);
    if (label === predicted) agreed++;
  }
  let chance = 0;
  for (const [label, count] of labelCounts) chance += count * (verdictCounts.get(label) ?? 0);
  // Both sides times total², so that the division comes last and 1 is exact.
  const whole = total * total - chance;
  return whole === 0 ? undefined : (agreed * total - chance) / whole;
}
