/**
 * DAPO, decoupled clip and dynamic sampling (arXiv 2503.14476). Assumes that tokens of low probability need more room to
 * grow than to shrink, and that every token of an update should count the same.
 *   A_i = (r_i - mean(r)) / (std(r) + 1e-4), over the G rollouts of a prompt
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio, 0.8, 1.28) A), without a KL term
 * Its other two parts are fields of any rl arm: `dynamicSampling`, and `reward.overlong`.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const dapo = defineAlgorithm({
  title: 'DAPO',
  parts: usualParts,
  fixed: ['weights', 'clip'],
  clipLow: 0.2,
  clipHigh: 0.28,
});
