/** Kendall's tau-b, corrected for ties, as `scipy.stats.kendalltau`. */
import { assert } from '../../../core/assert.ts';

/**
 * Tau-b in [-1, 1]; undefined if one series is constant. O(n²), fast enough for the thousands of examples of an
 * evaluation.
 */
export function kendallTauB(first: readonly number[], second: readonly number[]): number | undefined {
  assert(first.length === second.length, 'two series of one length');
  let [difference, inFirst, inSecond] = [0, 0, 0];
  for (let i = 0; i < first.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = Math.sign((first[i] as number) - (first[j] as number));
      const b = Math.sign((second[i] as number) - (second[j] as number));
      difference += a * b;
      inFirst += Math.abs(a);
      inSecond += Math.abs(b);
    }
  }
  const whole = Math.sqrt(inFirst) * Math.sqrt(inSecond);
  return whole > 0 ? difference / whole : undefined;
}
