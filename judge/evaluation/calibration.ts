/** Calibration of verdict probabilities: Brier score (1950), expected calibration error (Guo et al. 2017). */
import { assert } from '../../core/assert.ts';

/** One example: probabilities of the task's labels, in their order, and the index of its label. */
export interface ProbableOutcome {
  readonly probabilities: readonly number[];
  readonly labelIndex: number;
}

export interface CalibrationBin {
  readonly count: number;
  /** Means over the bin: probability of the most probable label, and share of examples with that label. */
  readonly confidence: number;
  readonly accuracy: number;
}

/**
 * Mean squared error of the probabilities, as scikit-learn's `brier_score_loss`; halved for two labels, so that it lies
 * in [0, 1].
 */
export function brierScore(outcomes: readonly ProbableOutcome[]): number {
  assert(outcomes.length > 0, 'a Brier score of nothing');
  const sum = outcomes.reduce(
    (total, { probabilities, labelIndex }) =>
      total + probabilities.reduce((part, p, i) => part + (p - (i === labelIndex ? 1 : 0)) ** 2, 0),
    0,
  );
  const isBinary = outcomes.every(({ probabilities }) => probabilities.length === 2);
  return sum / outcomes.length / (isBinary ? 2 : 1);
}

/** Bins of equal width over (0, 1], by the probability of the most probable label. */
export function calibrationBins(outcomes: readonly ProbableOutcome[], binCount = 10): CalibrationBin[] {
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { probabilities, labelIndex } of outcomes) {
    const confidence = Math.max(...probabilities);
    const bin = sums[Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1))];
    assert(bin !== undefined, 'a bin for every probability');
    bin.count++;
    bin.confidence += confidence;
    if (probabilities.indexOf(confidence) === labelIndex) bin.right++;
  }
  return sums.map(({ count, confidence, right }) =>
    count === 0
      ? { count, confidence: 0, accuracy: 0 }
      : { count, confidence: confidence / count, accuracy: right / count },
  );
}

/** Mean |accuracy - confidence| over the bins, weighted by their counts. */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  assert(total > 0, 'a calibration of nothing');
  return (
    bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(accuracy - confidence), 0) / total
  );
}
