/**
 * RLOO, REINFORCE leave-one-out (arXiv 2402.14740). Assumes that a rollout is one action, and that the mean reward of the
 * prompt's other rollouts is a good baseline which, unlike the mean of all, leaves the gradient unbiased.
 *   A_i = r_i - mean of r_j over the other G - 1 rollouts, where r is less klCoefficient * k1 of the rollout
 *   loss = mean over all rollouts of the update of -min(ratio A, clip(ratio) A), ratio of the whole rollout
 * The paper makes one update of each rollout, whose ratio is 1; the clipped ratio of later ones is that of TRL.
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const rloo = defineAlgorithm({
  title: 'RLOO',
  parts: {
    ...usualParts,
    advantage: 'leave-one-out',
    weights: 'sequence-mean',
    ratio: 'sequence',
    klEstimator: 'k1',
    klIn: 'reward',
  },
  fixed: ['advantage'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
