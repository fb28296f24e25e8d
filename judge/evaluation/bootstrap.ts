/**
 * 95 % percentile bootstrap of Macro-F1 (Efron & Tibshirani 1993), drawing whole clusters (one image, one source
 * object, one pair in both orders), because judgments within a cluster are not independent.
 */
import { assert } from '../../core/assert.ts';
import type { Rng } from '../../core/rng.ts';
import { macroF1 } from './macro-f1.ts';
import type { Outcome } from './outcome.ts';

export interface ClusteredOutcome extends Outcome {
  readonly clusterKey: string;
}

/** Of each cluster, for each label: true positives, false positives, false negatives. Flat [cluster, label, 3]. */
function clusterCounts(outcomes: readonly ClusteredOutcome[], labels: readonly string[]): Int32Array {
  const rows = new Map<string, number>();
  for (const { clusterKey } of outcomes) if (!rows.has(clusterKey)) rows.set(clusterKey, rows.size);
  const width = labels.length * 3;
  const counts = new Int32Array(rows.size * width);
  const add = (row: number, label: string | undefined, part: number): void => {
    const column = label === undefined ? -1 : labels.indexOf(label);
    if (column >= 0) counts[row * width + column * 3 + part] = (counts[row * width + column * 3 + part] as number) + 1;
  };
  for (const { label, predicted, clusterKey } of outcomes) {
    const row = rows.get(clusterKey) as number;
    if (label === predicted) add(row, label, 0);
    else {
      add(row, predicted, 1);
      add(row, label, 2);
    }
  }
  return counts;
}

function macroF1OfSums(sums: Float64Array): number {
  let total = 0;
  for (let at = 0; at < sums.length; at += 3) {
    const doubled = 2 * (sums[at] as number);
    const whole = doubled + (sums[at + 1] as number) + (sums[at + 2] as number);
    total += whole === 0 ? 0 : doubled / whole;
  }
  return total / (sums.length / 3);
}

/** Sums of as many clusters as there are, drawn with replacement, into `sums`. */
function drawSums(counts: Int32Array, sums: Float64Array, rng: Rng): void {
  const width = sums.length;
  const clusterCount = counts.length / width;
  sums.fill(0);
  for (let draw = 0; draw < clusterCount; draw++) {
    const row = Math.floor((rng.word() / 2 ** 32) * clusterCount) * width;
    for (let column = 0; column < width; column++) {
      sums[column] = (sums[column] as number) + (counts[row + column] as number);
    }
  }
}

/** Linear between the two nearest of the sorted values (numpy's default). */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  return low + (at % 1) * ((sorted[Math.ceil(at)] as number) - low);
}

/**
 * [low, high] of the 95 % interval. It always holds the Macro-F1 of the examples themselves: where few clusters skew
 * the resamples past it, the interval is widened to it.
 */
export function macroF1Interval(
  outcomes: readonly ClusteredOutcome[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): readonly [number, number] {
  assert(outcomes.length > 0 && resampleCount > 0, 'an interval of nothing');
  const counts = clusterCounts(outcomes, labels);
  const sums = new Float64Array(labels.length * 3);
  const resamples = new Float64Array(resampleCount);
  for (let i = 0; i < resampleCount; i++) {
    drawSums(counts, sums, rng);
    resamples[i] = macroF1OfSums(sums);
  }
  resamples.sort();
  const point = macroF1(outcomes, labels);
  return [Math.min(point, quantile(resamples, 0.025)), Math.max(point, quantile(resamples, 0.975))];
}
