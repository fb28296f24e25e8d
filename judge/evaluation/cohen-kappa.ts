/**
 * Cohen's kappa (1960): agreement of verdicts and labels beyond chance, as scikit-learn's `cohen_kappa_score`.
 * Unparsable answers are a class of their own that agrees with no label.
 */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

interface KappaScore {
  /** In [-1, 1]; absent if agreement by chance is 1. */
  readonly cohenKappa?: number;
}

export const cohenKappaScore: Metric<KappaScore> = ({ outcomes }) => {
  const kappa = cohenKappa(outcomes);
  return kappa === undefined ? undefined : { cohenKappa: kappa };
};

/** Kappa in [-1, 1]; undefined for no examples, and if agreement by chance is 1 (one class on both sides). */
export function cohenKappa(outcomes: readonly Outcome[]): number | undefined {
  let total = 0;
  const labelCounts = new Map<string, number>();
  const verdictCounts = new Map<string, number>();
  let agreed = 0;
  for (const { label, predicted, weight = 1 } of outcomes) {
    total += weight;
    labelCounts.set(label, (labelCounts.get(label) ?? 0) + weight);
    if (predicted !== undefined) verdictCounts.set(predicted, (verdictCounts.get(predicted) ?? 0) + weight);
    if (label === predicted) agreed += weight;
  }
  let chance = 0;
  for (const [label, count] of labelCounts) chance += count * (verdictCounts.get(label) ?? 0);
  // Numerator and denominator are scaled by total², so that perfect agreement gives exactly 1.
  const whole = total * total - chance;
  return whole === 0 ? undefined : (agreed * total - chance) / whole;
}
