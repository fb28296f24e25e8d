/**
 * Paired bootstrap test of the difference in Macro-F1 between two judges of the same examples. Both are resampled with
 * the same draws of clusters, so that variation in difficulty that affects both does not count as a difference (Koehn
 * 2004).
 */
import { assert } from '../../../core/assert.ts';
import type { Rng } from '../../../core/rng.ts';
import { type ClusteredOutcome, countOutcome, macroF1OfSums } from './bootstrap.ts';
import { macroF1 } from '../macro-f1.ts';
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

/** Outcomes of the same examples in the same order. */
export function pairedBootstrap(
  first: readonly ClusteredOutcome[],
  second: readonly ClusteredOutcome[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): PairedDifference {
  assert(first.length === second.length && first.length > 0, 'two judges of the same examples');
  const { rowOf, clusterCount } = clusterRows(first.map(({ clusterKey }) => clusterKey));
  const half = labels.length * 3;
  const counts = new Int32Array(clusterCount * half * 2);
  first.forEach((outcome, i) => {
    const other = second[i];
    assert(outcome.label === other?.label, 'two judges of the same examples');
    const start = (rowOf[i] ?? 0) * half * 2;
    countOutcome(counts, start, outcome, labels);
    countOutcome(counts, start + half, other, labels);
  });
  const statistic = (sums: Float64Array): number =>
    macroF1OfSums(sums, 0, labels.length) - macroF1OfSums(sums, half, labels.length);
  const resamples = resample({ counts, width: half * 2 }, statistic, resampleCount, rng).sort();
  const difference = macroF1(first, labels) - macroF1(second, labels);
  return {
    difference,
    ci95: intervalAround(difference, resamples),
    p: twoSidedP(resamples),
  };
}

/** The same of accuracy, for verdicts that are no classes. */
function pairedAccuracy(
  first: readonly ClusteredOutcome[],
  second: readonly ClusteredOutcome[],
  resampleCount: number,
  rng: Rng,
): PairedDifference {
  assert(first.length === second.length && first.length > 0, 'two judges of the same examples');
  const { rowOf, clusterCount } = clusterRows(first.map(({ clusterKey }) => clusterKey));
  // Per cluster: the gain of the first over the second, and the examples.
  const counts = new Int32Array(2 * clusterCount);
  let gain = 0;
  first.forEach((outcome, i) => {
    const other = second[i];
    assert(outcome.label === other?.label, 'two judges of the same examples');
    const own = Number(outcome.label === outcome.predicted) - Number(other.label === other.predicted);
    const at = 2 * (rowOf[i] as number);
    counts[at] = (counts[at] as number) + own;
    counts[at + 1] = (counts[at + 1] as number) + 1;
    gain += own;
  });
  const statistic = (sums: Float64Array): number => (sums[0] as number) / (sums[1] as number);
  const resamples = resample({ counts, width: 2 }, statistic, resampleCount, rng).sort();
  const difference = gain / first.length;
  return { difference, ci95: intervalAround(difference, resamples), p: twoSidedP(resamples) };
}

/** By Macro-F1 over the labels; by accuracy without any. */
export function pairedDifference(
  first: readonly ClusteredOutcome[],
  second: readonly ClusteredOutcome[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): PairedDifference {
  if (labels.length === 0) return pairedAccuracy(first, second, resampleCount, rng);
  return pairedBootstrap(first, second, labels, resampleCount, rng);
}

/** Of resampled differences; see PairedDifference. */
export function twoSidedP(resamples: Float64Array): number {
  const notAbove = resamples.filter((value) => value <= 0).length;
  const notBelow = resamples.filter((value) => value >= 0).length;
  // Add-one smoothing: a finite number of resamples cannot show a p-value of 0.
  return Math.min(1, (2 * (Math.min(notAbove, notBelow) + 1)) / (resamples.length + 1));
}
