/**
 * Cluster bootstrap of any statistic that is a function of counts (Efron & Tibshirani 1993). Whole clusters are drawn,
 * because judgments within one (an image, a source object, a pair in both orders) are not independent. Clusters with
 * equal counts share one tally, so that the cost of a draw does not depend on the width of the counts.
 */
import { assert } from '../../../core/assert.ts';
import type { Rng } from '../../../core/rng.ts';

/** Whole numbers, or numbers that are summed just as they are. */
export type Counts = Int32Array | Float64Array;

/** Counts per cluster, flat [cluster, width]. */
export interface ClusterCounts {
  readonly counts: Counts;
  readonly width: number;
}

/** Numbers the cluster keys in order of first use; `rowOf` is the row of each key. */
export function clusterRows(keys: readonly string[]): {
  readonly rowOf: readonly number[];
  readonly clusterCount: number;
} {
  const rows = new Map<string, number>();
  const rowOf = keys.map((key) => {
    const row = rows.get(key) ?? rows.size;
    rows.set(key, row);
    return row;
  });
  return { rowOf, clusterCount: rows.size };
}

interface Patterns {
  readonly patternOf: Uint32Array;
  readonly rows: readonly Counts[];
}

function patternsOf({ counts, width }: ClusterCounts): Patterns {
  const known = new Map<string, number>();
  const rows: Counts[] = [];
  const patternOf = new Uint32Array(counts.length / width);
  for (let cluster = 0; cluster < patternOf.length; cluster++) {
    const row = counts.subarray(cluster * width, (cluster + 1) * width);
    const text = row.join();
    const pattern = known.get(text) ?? rows.push(row) - 1;
    known.set(text, pattern);
    patternOf[cluster] = pattern;
  }
  return { patternOf, rows };
}

/**
 * Values of `statistic` on the summed counts of as many clusters as there are, drawn with replacement, `resampleCount`
 * times. The sums are reused between calls, so `statistic` must not retain them.
 */
export function resample(
  clusters: ClusterCounts,
  statistic: (sums: Float64Array) => number,
  resampleCount: number,
  rng: Rng,
): Float64Array {
  const { patternOf, rows } = patternsOf(clusters);
  const clusterCount = patternOf.length;
  assert(clusterCount > 0 && resampleCount > 0, 'a bootstrap of nothing');
  const words = new Uint32Array(clusterCount);
  const tally = new Float64Array(rows.length);
  const sums = new Float64Array(clusters.width);
  const results = new Float64Array(resampleCount);
  for (let i = 0; i < resampleCount; i++) {
    rng.fill(words);
    tally.fill(0);
    for (let draw = 0; draw < clusterCount; draw++) {
      const pattern = patternOf[Math.floor(((words[draw] as number) / 2 ** 32) * clusterCount)] as number;
      tally[pattern] = (tally[pattern] as number) + 1;
    }
    sums.fill(0);
    rows.forEach((row, pattern) => {
      for (let column = 0; column < sums.length; column++)
        sums[column] = (sums[column] as number) + (tally[pattern] as number) * (row[column] as number);
    });
    results[i] = statistic(sums);
  }
  return results;
}

/** The 95 % percentile interval of sorted resamples, widened to include the value of the examples themselves. */
export function intervalAround(point: number, sorted: Float64Array): readonly [number, number] {
  return [Math.min(point, quantile(sorted, 0.025)), Math.max(point, quantile(sorted, 0.975))];
}

/** Quantile by linear interpolation between the two nearest sorted values (numpy's default). */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  return low + (at % 1) * ((sorted[Math.ceil(at)] as number) - low);
}
