/** Wilson's score interval of a share (Wilson 1927), which stays sensible for few trials and for shares near 0 and 1. */
import { assert } from '../../../core/assert.ts';

/** 97.5 % quantile of the normal distribution. */
const z = 1.959963984540054;

/** 95 % interval of a share in [0, 1] of `count` independent trials. */
export function wilsonInterval(share: number, count: number): readonly [number, number] {
  assert(count > 0, 'a share of nothing');
  const scale = 1 + z ** 2 / count;
  const center = (share + z ** 2 / (2 * count)) / scale;
  const half = (z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))) / scale;
  return [Math.max(0, center - half), Math.min(1, center + half)];
}
