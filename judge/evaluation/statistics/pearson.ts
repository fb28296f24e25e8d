/** Pearson's correlation of two series, as `scipy.stats.pearsonr`. */
import { assert } from '../../../core/assert.ts';

/** Coefficient in [-1, 1]; undefined if one series is constant. */
export function pearson(first: readonly number[], second: readonly number[]): number | undefined {
  assert(first.length === second.length, 'two series of one length');
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(first), mean(second)];
  let [ab, aa, bb] = [0, 0, 0];
  first.forEach((value, i) => {
    const [a, b] = [value - meanA, (second[i] ?? NaN) - meanB];
    ab += a * b;
    aa += a * a;
    bb += b * b;
  });
  const whole = Math.sqrt(aa) * Math.sqrt(bb);
  return whole > 0 ? Math.max(-1, Math.min(1, ab / whole)) : undefined;
}
