/** The KL term in the reward: what a rollout loses for its distance from the reference policy. */
import { required } from '../../core/assert.ts';
import type { GroupSettings } from './groups.ts';
import type { Parts } from './parts.ts';
import type { RolloutBatch } from './rollout-batch.ts';

/** KL of a token, nats. `d`: log p - log reference, under the policy that sampled the rollout. */
const estimators: Readonly<Record<Parts['klEstimator'], (d: number) => number>> = {
  k1: (d) => d,
  k2: (d) => d ** 2 / 2,
  k3: (d) => Math.expm1(-d) + d,
};

/** [prompt][rollout]: rewards less klCoefficient * the sum over the rollout's tokens; as they are without such a term. */
export function rewardsLessKl(
  { rewards, rollouts, referenceLogProbs }: RolloutBatch,
  { parts, klCoefficient }: GroupSettings,
): readonly (readonly number[])[] {
  if (klCoefficient === 0 || parts.klIn === 'loss') return rewards;
  const reference = required(referenceLogProbs, 'log-probs of the reference policy');
  const estimate = estimators[parts.klEstimator];
  return rewards.map((group, p) =>
    group.map((reward, k) => {
      const { logProbs } = required(rollouts[p]?.[k], 'a rollout');
      const own = required(reference[p]?.[k], 'log-probs of a rollout');
      const kl = logProbs.reduce((sum, logProb, t) => sum + estimate(logProb - required(own[t], 'a log-prob')), 0);
      return reward - klCoefficient * kl;
    }),
  );
}
