/**
 * Balanced accuracy: mean recall over the labels that occur, as scikit-learn's `balanced_accuracy_score`. 0 for no
 * examples.
 */
import { classScores } from './macro-f1.ts';
import type { Metric } from './metric.ts';
import type { Outcome } from './outcome.ts';

export const balancedAccuracyScore: Metric<{ readonly balancedAccuracy: number }> = ({ outcomes, labels }) => ({
  balancedAccuracy: balancedAccuracy(outcomes, labels),
});

export function balancedAccuracy(outcomes: readonly Outcome[], labels: readonly string[]): number {
  const present = labels.map((label) => classScores(outcomes, label)).filter(({ support }) => support > 0);
  if (present.length === 0) return 0;
  return present.reduce((sum, { recall }) => sum + recall, 0) / present.length;
}
