/**
 * GSPO, group sequence policy optimisation (arXiv 2507.18071). Assumes that the ratio belongs to what is rewarded, the
 * whole rollout: ratios of single tokens are noise that grows with the length.
 *   s_i = exp(mean over the tokens of rollout i of log p - log p old)
 *   A_i = (r_i - mean(r)) / (std(r) + 1e-4), over the G rollouts of a prompt
 *   loss = mean over all rollouts of the update of -min(s A, clip(s, 1 - 3e-4, 1 + 4e-4) A)
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const gspo = defineAlgorithm({
  title: 'GSPO',
  parts: { ...usualParts, weights: 'sequence-mean', ratio: 'sequence-mean' },
  fixed: ['weights', 'ratio', 'clip'],
  clipLow: 3e-4,
  clipHigh: 4e-4,
});
