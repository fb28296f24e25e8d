/** R = (1 - a) accuracy + a format, accuracy gated on format (arXiv 2603.11665; a is not published). */
import { assert } from '../core/assert.ts';
import type { Judgment, Reward } from './example.ts';

/** Reward of a judgment against the example's label; `formatWeight` is a, in [0, 1]. */
export function rewardOf(judgment: Judgment, label: string, formatWeight: number): Reward {
  assert(formatWeight >= 0 && formatWeight <= 1, `format weight ${formatWeight} is not in [0, 1]`);
  if (!judgment.ok) return { value: 0, accuracy: 0, format: 0, unparsable: judgment.reason };
  const accuracy = judgment.verdict === label ? 1 : 0;
  return { value: (1 - formatWeight) * accuracy + formatWeight, accuracy, format: 1 };
}
