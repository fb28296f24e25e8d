/**
 * Paired bootstrap test of the difference in Macro-F1 between two judges of the same examples. Both are resampled with
 * the same draws of clusters, so that variation in difficulty that affects both does not count as a difference (Koehn
 * 2004).
 */
import { assert } from '../../../core/assert.ts';
import type { Rng } from '../../../core/rng.ts';
import type { ClusteredOutcome } from './bootstrap.ts';
import { countedScore } from './counted-score.ts';
import { clusterRows, intervalAround, resample } from './resampling.ts';

export interface PairedDifference {
  /** Macro-F1 of the first minus that of the second, on the examples themselves. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  /**
   * Two-sided p-value: twice the add-one-smoothed share of resamples on the other side of 0, including ties; at least 2
   * / (resamples + 1).
   */
  readonly p: number;
}

/**
 * Outcomes of the same examples in the same order.
 * @param labels none for verdicts that are no classes: their accuracies are compared instead
 */
export function pairedBootstrap(
  first: readonly ClusteredOutcome[],
  second: readonly ClusteredOutcome[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): PairedDifference {
  assert(first.length === second.length && first.length > 0, 'two judges of the same examples');
  const { rowOf, clusterCount } = clusterRows(first.map(({ clusterKey }) => clusterKey));
  const { width: half, ...score } = countedScore(labels);
  const counts = new Int32Array(clusterCount * half * 2);
  first.forEach((outcome, i) => {
    const other = second[i];
    assert(outcome.label === other?.label, 'two judges of the same examples');
    const start = (rowOf[i] ?? 0) * half * 2;
    score.count(counts, start, outcome);
    score.count(counts, start + half, other);
  });
  const statistic = (sums: Float64Array): number => score.ofSums(sums, 0) - score.ofSums(sums, half);
  const resamples = resample({ counts, width: half * 2 }, statistic, resampleCount, rng).sort();
  const difference = score.of(first) - score.of(second);
  return {
    difference,
    ci95: intervalAround(difference, resamples),
    p: twoSidedP(resamples),
  };
}

/** Of resampled differences; see PairedDifference. */
export function twoSidedP(resamples: Float64Array): number {
  const notAbove = resamples.filter((value) => value <= 0).length;
  const notBelow = resamples.filter((value) => value >= 0).length;
  // Add-one smoothing: a finite number of resamples cannot show a p-value of 0.
  return Math.min(1, (2 * (Math.min(notAbove, notBelow) + 1)) / (resamples.length + 1));
}
