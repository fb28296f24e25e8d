/**
 * Base rates, which kappa is to be read with: of two judges with the same accuracy, the one on the rarer labels has the
 * lower kappa, because more of its agreement is due to chance.
 */
import type { Metric } from './metric.ts';

export interface BaseRate {
  readonly label: string;
  /** Shares of the labels, and of all answers, that are this one. */
  readonly labelRate: number;
  readonly verdictRate: number;
}

interface BaseRateScores {
  /** In the order of the task's labels. */
  readonly baseRates: readonly BaseRate[];
  /** Agreement that judges with these rates reach by chance, in [0, 1]. */
  readonly chanceAgreement: number;
}

export const baseRateScores: Metric<BaseRateScores> = ({ outcomes, labels }) => {
  const share = (count: number): number => count / outcomes.length;
  const baseRates = labels.map((name) => ({
    label: name,
    labelRate: share(outcomes.filter(({ label }) => label === name).length),
    verdictRate: share(outcomes.filter(({ predicted }) => predicted === name).length),
  }));
  const chanceAgreement = baseRates.reduce((sum, { labelRate, verdictRate }) => sum + labelRate * verdictRate, 0);
  return { baseRates, chanceAgreement };
};
