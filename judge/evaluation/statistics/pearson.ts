/** Pearson's correlation of two series, as `scipy.stats.pearsonr`. */
import { assert } from '../../../core/assert.ts';

/** Coefficient in [-1, 1]; undefined if one series is constant. Weights are positive; by default all are the same. */
export function pearson(
  first: readonly number[],
  second: readonly number[],
  weights?: readonly number[],
): number | undefined {
  assert(first.length === second.length, 'two series of one length');
  const weightOf = (i: number): number => weights?.[i] ?? 1;
  const total = first.reduce((sum, _, i) => sum + weightOf(i), 0);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + weightOf(i) * value, 0) / total;
  const [meanA, meanB] = [mean(first), mean(second)];
  let [ab, aa, bb] = [0, 0, 0];
  first.forEach((value, i) => {
    const [a, b] = [value - meanA, (second[i] ?? NaN) - meanB];
    ab += weightOf(i) * a * b;
    aa += weightOf(i) * a * a;
    bb += weightOf(i) * b * b;
  });
  const whole = Math.sqrt(aa) * Math.sqrt(bb);
  return whole > 0 ? Math.max(-1, Math.min(1, ab / whole)) : undefined;
}
