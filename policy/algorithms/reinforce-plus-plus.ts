/**
 * REINFORCE++ (arXiv 2501.03262). Assumes that the whole step is a better basis of normalisation than the few rollouts of
 * a prompt, whose deviation is noisy. Groups of equal rewards teach as well.
 *   A_i = (r_i - mean) / (std + 1e-4), over all tokens of the step, where r is less klCoefficient * k1 of the rollout
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio) A)
 * The paper takes the KL of the tokens from t on off the reward of token t; here that of the whole rollout.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const reinforcePlusPlus = defineAlgorithm({
  title: 'REINFORCE++',
  parts: { ...usualParts, advantage: 'batch-whitened', klEstimator: 'k1', klIn: 'reward' },
  fixed: ['advantage'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
