/** Statistics of a list of measurements. */
import { assert } from '../core/assert.ts';

/** Quantile with linear interpolation between the two nearest values; `share` in [0, 1]. */
export function quantile(values: readonly number[], share: number): number {
  assert(values.length > 0, 'there is no quantile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? 0;
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Rounds to two decimals. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
