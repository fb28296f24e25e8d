/**
 * CISPO, clipped importance sampling policy optimisation (MiniMax-M1, arXiv 2506.13585). Assumes that rare tokens, such as
 * those at which a rationale turns, must keep their gradient: the ratio is clipped as a weight, not the objective.
 *   A_i = (r_i - mean(r)) / (std(r) + 1e-4), over the G rollouts of a prompt
 *   loss = mean over all tokens of the update of -stop_gradient(min(ratio, 5)) A log p
 * The paper publishes no limit; 5 is that of ScaleRL (arXiv 2510.13786). There is none below.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const cispo = defineAlgorithm({
  title: 'CISPO',
  parts: { ...usualParts, clip: 'stop-gradient' },
  fixed: ['ratio', 'clip'],
  clipLow: 1,
  clipHigh: 4,
});
