/**
 * MaxRL, maximum likelihood reinforcement learning (arXiv 2602.02710). Assumes rewards of 0 and 1: the objective is then
 * the log of the success rate instead of the rate, and hard prompts weigh more.
 *   A_i = (r_i - mean(r)) / mean(r), over the G rollouts of a prompt
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio) A)
 * Rewards must not be negative. With a `formatWeight` above 0, the format counts as partial success.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const maxrl = defineAlgorithm({
  title: 'MaxRL',
  parts: { ...usualParts, advantage: 'mean-scaled' },
  fixed: ['advantage', 'klIn'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
