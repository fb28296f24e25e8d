/**
 * Forced choice: the most probable label at the verdict's position. No answer is unparsable, so this measures what the
 * judge knows independently of the answer format, and the probabilities can be checked for calibration.
 */
import { assert } from '../../core/assert.ts';
import type { Rng } from '../../core/rng.ts';
import { accuracyOf } from './accuracy.ts';
import { macroF1Interval } from './statistics/bootstrap.ts';
import { brierScore, type CalibrationBin, calibrationBins, expectedCalibrationError } from './calibration.ts';
import { classOf } from '../kinds/table.ts';
import { macroF1 } from './macro-f1.ts';
import type { Metric } from './metric.ts';

/** Scores of the most probable label at the verdict's position. */
export interface ForcedChoiceScores {
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly accuracy: number;
  readonly brier: number;
  /** Expected calibration error over `bins`, ten of equal width. */
  readonly ece: number;
  readonly bins: readonly CalibrationBin[];
}

interface ForcedScores {
  /** Present if label probabilities were requested. */
  readonly forcedChoice?: ForcedChoiceScores;
}

export const forcedScores: Metric<ForcedScores> = ({ judged, task, labels, resampleCount, rng }) => {
  const choices = judged.flatMap(({ example: { label, groupKey }, probabilities }) =>
    probabilities === undefined ? [] : [{ label: classOf(task, label), probabilities, clusterKey: groupKey }],
  );
  assert(choices.length === 0 || choices.length === judged.length, 'probabilities of all examples or of none');
  return choices.length === 0 ? undefined : { forcedChoice: forcedChoiceScores(choices, labels, resampleCount, rng()) };
};

export interface ForcedChoice {
  readonly label: string;
  /** Probabilities of the task's labels, in their order. */
  readonly probabilities: readonly number[];
  readonly clusterKey: string;
}

/**
 * Converts the log-probs of each label's whole completion (natural log) to probabilities among the labels; common
 * factors cancel.
 */
export function labelProbabilities(logProbs: readonly number[]): number[] {
  const top = Math.max(...logProbs);
  assert(Number.isFinite(top), 'a label that can be said');
  const weights = logProbs.map((each) => Math.exp(each - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The most probable label; on a tie, the first. */
export function likeliest(probabilities: readonly number[], labels: readonly string[]): string {
  const label = labels[probabilities.indexOf(Math.max(...probabilities))];
  assert(label !== undefined, 'a probability for every label');
  return label;
}

export function forcedChoiceScores(
  choices: readonly ForcedChoice[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): ForcedChoiceScores {
  const outcomes = choices.map(({ label, probabilities, clusterKey }) => ({
    label,
    predicted: likeliest(probabilities, labels),
    clusterKey,
  }));
  const probable = choices.map(({ label, probabilities }) => ({ probabilities, labelIndex: labels.indexOf(label) }));
  const bins = calibrationBins(probable);
  return {
    macroF1: macroF1(outcomes, labels),
    ci95: macroF1Interval(outcomes, labels, resampleCount, rng),
    accuracy: accuracyOf(outcomes),
    brier: brierScore(probable),
    ece: expectedCalibrationError(bins),
    bins,
  };
}
