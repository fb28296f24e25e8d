/**
 * GDPO, group reward-decoupled normalisation policy optimisation (arXiv 2601.05242). Assumes that the parts of a reward
 * say different things: summed before normalisation, different combinations get the same advantage.
 *   A_ik = (r_ik - mean(r_k)) / (std(r_k) + 1e-4), for each part k of the reward, over the G rollouts of a prompt
 *   A_i = sum over k of partWeights_k A_ik, divided by (std + 1e-4) of these sums over the step
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio) A)
 * `formatWeight` has no effect: the parts are weighted by `partWeights`.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const gdpo = defineAlgorithm({
  title: 'GDPO',
  parts: { ...usualParts, advantage: 'per-part' },
  fixed: ['advantage', 'klIn'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
