/**
 * Macro-F1: the mean F1 over the task's labels, as scikit-learn's `f1_score(average='macro', labels=...,
 * zero_division=0)`.
 */
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

interface ClassCounts {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
}

/** Scores in [0, 1]; 0 if the denominator is 0. */
export interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Examples with this label. */
  readonly support: number;
}

interface PerClass {
  /** In the order of the task's labels. */
  readonly perClass: readonly (ClassScores & { readonly label: string })[];
}

export const macroF1Score: Metric<{ readonly macroF1: number }> = ({ outcomes, labels }) => ({
  macroF1: macroF1(outcomes, labels),
});

export const perClassScores: Metric<PerClass> = ({ outcomes, labels }) => ({
  perClass: labels.map((label) => ({ label, ...classScores(outcomes, label) })),
});

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function classCounts(outcomes: readonly Outcome[], label: string): ClassCounts {
  let truePositive = 0;
  let falsePositive = 0;
  let falseNegative = 0;
  for (const { predicted, weight = 1, ...outcome } of outcomes) {
    if (predicted === label && outcome.label === label) truePositive += weight;
    else if (predicted === label) falsePositive += weight;
    else if (outcome.label === label) falseNegative += weight;
  }
  return { truePositive, falsePositive, falseNegative };
}

function f1Of({ truePositive, falsePositive, falseNegative }: ClassCounts): number {
  return ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative);
}

export function classScores(outcomes: readonly Outcome[], label: string): ClassScores {
  const counts = classCounts(outcomes, label);
  const support = counts.truePositive + counts.falseNegative;
  return {
    precision: ratio(counts.truePositive, counts.truePositive + counts.falsePositive),
    recall: ratio(counts.truePositive, support),
    f1: f1Of(counts),
    support,
  };
}

/** Macro-F1 in [0, 1]; all labels have equal weight, including those that no example has. */
export function macroF1(outcomes: readonly Outcome[], labels: readonly string[]): number {
  const sum = labels.reduce((total, label) => total + f1Of(classCounts(outcomes, label)), 0);
  return ratio(sum, labels.length);
}
